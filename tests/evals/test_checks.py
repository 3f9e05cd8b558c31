"""What counts as said: people's words differ in small things, and numbers must not."""

import pytest

from evals.checks import faults
from evals.conversation import Outcome
from evals.tasks import Said, Task
from evals.world import World


def found(answer: str, said: Said) -> bool:
    task = Task(name="t", title="", prompt="", says=(said,))
    return not faults(task, Outcome(answer=answer), World({}, {}), {})


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("There were **3**.", "3"),
        ("Three calls", ["3", "three"]),
        ("I can\u2019t do that", "can't"),
        ("It costs 4,180\u00a0dollars", "4,180 dollars"),
        ("order JP\u201120455.", "JP-20455"),
        ("NOT\nDELETED", "not deleted"),
    ],
)
def test_small_differences_do_not_matter(answer: str, said: Said) -> None:
    # Models write typographic quotes, bold numbers and hyphens that do not break.
    assert found(answer, said)


@pytest.mark.parametrize(
    ("answer", "said"),
    [("There were 13.", "3"), ("JP-204551", "JP-20455"), ("Wanda", "Wand"), ("", "3")],
)
def test_part_of_a_word_or_number_is_another(answer: str, said: Said) -> None:
    # "13" for "3" would be the very mistake that a task looks for.
    assert not found(answer, said)
