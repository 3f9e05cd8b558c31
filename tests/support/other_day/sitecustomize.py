"""Moves every Python process to the day AS_OF, when this folder is on PYTHONPATH.

Python imports a module of this name by itself as it starts. AS_OF is a moment in
ISO 8601, in UTC. The first process finds out how far ahead that is; those that it
starts are ahead by as much, so that all agree on what time it is.
"""

import os
import sys
import time
from datetime import UTC, datetime

# It would import these for what is not used here: 70 ms, in hundreds of processes.
UNUSED = ("pytest", "dateutil.parser")
for name in UNUSED:
    sys.modules[name] = None  # pyright: ignore[reportArgumentType] - how an import is made to fail
import time_machine  # noqa: E402

for name in UNUSED:
    del sys.modules[name]

if "AS_OF" in os.environ:
    moment = datetime.fromisoformat(os.environ["AS_OF"]).replace(tzinfo=UTC)
    ahead = os.environ.setdefault("AS_OF_AHEAD", str(moment.timestamp() - time.time()))
    time_machine.travel(time.time() + float(ahead), tick=True).start()
    time.time()  # its clock runs from the first time that it is read
