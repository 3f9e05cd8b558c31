"""The rules of cisco-ai-mcp-scanner that a text matches, for each text of a JSON file."""

import json
import sys
from importlib.metadata import files
from pathlib import Path

import yara

rules = yara.compile(
    sources={
        file.name: file.read_text()
        for file in files("cisco-ai-mcp-scanner") or ()
        if file.suffix == ".yara"
    }
)
texts = json.loads(Path(sys.argv[1]).read_text())
print(json.dumps({name: [m.rule for m in rules.match(data=text)] for name, text in texts.items()}))
