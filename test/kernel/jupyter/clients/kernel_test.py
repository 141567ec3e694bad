"""Runs Jupyter's own tests of a kernel on the installed kernelspec; reads its name, prints what came of each test."""

import json
import sys
import unittest

import jupyter_kernel_test


class PruningBenchKernelTests(jupyter_kernel_test.KernelTests):
    kernel_name = json.load(sys.stdin)["kernel"]
    language_name = "typescript"
    file_extension = ".ts"
    code_hello_world = "console.log('hello, world')"
    code_stderr = "console.error('test')"
    code_generate_error = "throw new Error('wanted')"
    code_inspect_sample = "groupTable"
    code_execute_result = [
        {"code": "1 + 2", "result": "3"},
        {"code": "const seven: number = 7; seven", "result": "7"},
    ]
    code_display_data = [
        {"code": "display.html('<b>1</b>')", "mime": "text/html"},
        {"code": "display(table([{ a: 1 }]))", "mime": "text/html"},
        {"code": "display(chart({ mark: 'bar', encoding: {} }, [{ a: 1 }]))", "mime": "image/svg+xml"},
        {
            "code": "display(chart({ mark: 'bar', encoding: {} }, [{ a: 1 }]))",
            "mime": "application/vnd.vegalite.v5+json",
        },
    ]
    completion_samples = [
        {"text": "groupTab", "matches": {"groupTable"}},
        {"text": "pb.layerTab", "matches": {"layerTable"}},
    ]
    complete_code_samples = ["const a = 1", "function f() {}", "[1, 2].map(x => x)"]
    incomplete_code_samples = ["function f() {", "const a = [", "`text"]
    invalid_code_samples = ["let = = 1", "function 1() {}"]
    code_history_pattern = "1*2"
    supported_history_operations = ("tail", "range", "search")
    code_clear_output = "clearOutput()"


suite = unittest.defaultTestLoader.loadTestsFromTestCase(PruningBenchKernelTests)
outcome = unittest.TextTestRunner(stream=sys.stderr, verbosity=2).run(suite)
named = lambda pairs: {test.id().rsplit(".", 1)[-1]: text for test, text in pairs}
report = {"run": outcome.testsRun, "failed": named(outcome.failures + outcome.errors), "skipped": named(outcome.skipped)}
print(json.dumps(report))
