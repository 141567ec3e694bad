"""What schemathesis cannot know of the server; `PRUNINGBENCH_FUZZ` says which pass of test/fuzz/run.ts it is."""

import os

import schemathesis

fuzz = os.environ["PRUNINGBENCH_FUZZ"]

if fuzz == "filled":

    @schemathesis.hook
    def before_call(context, case, kwargs):
        """Plans that a schema allows name models and data that are there, so that the rest of them is looked at."""
        if not case.meta or not case.meta.generation.mode.is_positive or not isinstance(case.body, dict):
            return
        for plan in [case.body.get("plan"), *(case.body.get("plans") or [])]:
            if isinstance(plan, dict):
                plan |= {
                    "model": "resnet18",
                    "modelOptions": {"width": 0.125},
                    "dataset": "shapes",
                    "datasetOptions": {"train": 40, "test": 20},
                    "methods": ["random", "lamp + bn-scale"][: len(plan["methods"])],
                    "strategies": ["protected-global"],
                }


if fuzz in ("no token", "a wrong token"):

    @schemathesis.check
    def strangers_are_told_nothing(context, response, case):
        """Only what the document says is open answers who has no token."""
        open_to_all = case.operation.definition.raw.get("security") == []
        if not open_to_all and response.status_code not in (401, 403, 405, 415):
            raise AssertionError(f"{response.status_code} with {fuzz}")
