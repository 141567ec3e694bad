"""Executes a notebook with nbclient; reads the notebook, the folder to run in and options, prints the notebook."""

import json
import sys

import nbformat
from nbclient import NotebookClient

given = json.load(sys.stdin)
notebook = nbformat.reads(json.dumps(given["notebook"]), as_version=4)
resources = {"metadata": {"path": given["folder"]}}
NotebookClient(notebook, resources=resources, **given.get("options", {})).execute()
nbformat.validate(notebook)
print(nbformat.writes(notebook))
