"""What a run has found, task by task: a table for people, and JSON for programs."""

from dataclasses import dataclass

from evals.tasks import Json


@dataclass(frozen=True, kw_only=True)
class Row:
    """One task's end; without `faults` it succeeded."""

    task: str
    faults: tuple[str, ...]
    calls: tuple[str, ...]
    failed_calls: int
    tokens_in: int
    tokens_out: int

    @property
    def passed(self) -> bool:
        """Whether what came of it is what should have."""
        return not self.faults

    def line(self) -> str:
        """It in one line."""
        calls = f"{len(self.calls)} call{'s' * (len(self.calls) != 1)}"
        numbers = f"{calls}, {self.tokens_in:,} tokens in, {self.tokens_out:,} out"
        ended = "passed" if self.passed else f"FAILED: {'; '.join(self.faults)}"
        return f"{self.task}: {ended} ({numbers})"


def table(rows: list[Row]) -> str:
    """All rows for people, and the sum of them."""
    lines = [f"{'task':<18}{'':<8}{'calls':>6}{'tokens in':>12}{'out':>9}"]
    for row in rows:
        ended = "passed" if row.passed else "FAILED"
        lines.append(
            f"{row.task:<18}{ended:<8}{len(row.calls):>6}{row.tokens_in:>12,}{row.tokens_out:>9,}"
        )
        lines += [f"    {fault}" for fault in row.faults]
    done = summary(rows)
    lines.append(
        f"{done['passed']} of {done['tasks']} tasks passed; {done['calls']} calls,"
        f" {done['tokensIn']:,} tokens in, {done['tokensOut']:,} out"
    )
    return "\n".join(lines)


def document(model: str, rows: list[Row]) -> Json:
    """The same for programs."""
    results = [
        {
            "task": row.task,
            "passed": row.passed,
            "faults": list(row.faults),
            "calls": list(row.calls),
            "failedCalls": row.failed_calls,
            "tokensIn": row.tokens_in,
            "tokensOut": row.tokens_out,
        }
        for row in rows
    ]
    return {"model": model, "results": results, "summary": summary(rows)}


def summary(rows: list[Row]) -> Json:
    """The sums."""
    return {
        "tasks": len(rows),
        "passed": sum(row.passed for row in rows),
        "calls": sum(len(row.calls) for row in rows),
        "tokensIn": sum(row.tokens_in for row in rows),
        "tokensOut": sum(row.tokens_out for row in rows),
    }
