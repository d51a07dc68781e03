"""Runs one file of CPython's tests inside a guest: tests.py MODULE

Appends two lines of JSON for each test to /results/MODULE.json: one when it starts, and
one with its result. Tests in that file are skipped, so that the next run continues after
a test that crashed the guest.
"""

import importlib
import json
import os
import sys
import unittest


class Results(unittest.TestResult):
    """Opens the file for each line, so that no test can close it."""

    def __init__(self, path):
        super().__init__()
        self.path = path
        self.result = {}

    def known(self):
        if not os.path.exists(self.path):
            return set()
        with open(self.path) as lines:
            return {json.loads(line)["test"] for line in lines}

    def note(self, test, **result):
        with open(self.path, "a") as lines:
            print(json.dumps({"test": test, **result}), file=lines)

    def settle(self, outcome, reason=None):
        # The worst outcome of the subtests counts.
        if self.result.get("outcome") != "failed":
            self.result = {"outcome": outcome, "reason": reason}

    def startTest(self, test):
        self.result = {}
        self.note(test.id())

    def stopTest(self, test):
        self.note(test.id(), **self.result)

    def addSuccess(self, test):
        self.settle("passed")

    def addError(self, test, error):
        # Also called for errors of setUpClass and setUpModule.
        reason = self._exc_info_to_string(error, test)
        self.result = {"outcome": "failed", "reason": reason}
        self.note(test.id(), **self.result)

    addFailure = addError

    def addSubTest(self, test, part, error):
        if error is not None:
            self.addError(test, error)

    def addSkip(self, test, reason):
        self.settle("skipped", reason)

    def addExpectedFailure(self, test, error):
        self.settle("skipped", "is known to fail")

    def addUnexpectedSuccess(self, test):
        self.settle("failed", "is known to fail, and did not")


def without(done, suite):
    """The tests of a suite that are not done yet, with their set-up."""
    return type(suite)(
        without(done, each) if isinstance(each, unittest.TestSuite) else each
        for each in suite
        if isinstance(each, unittest.TestSuite) or each.id() not in done
    )


def symlink(target, link, *rest, make=os.symlink, **options):
    """Makes a link that leads to the same place from where it is.

    No host makes one with an absolute target, as the tests do everywhere.
    """
    if os.path.isabs(target):
        folder = os.path.dirname(os.path.realpath(link))
        target = os.path.relpath(target, folder)
    make(target, link, *rest, **options)


def main(module):
    results = Results(f"/results/{module}.json")
    os.chdir("/work")
    os.symlink = symlink
    os.supports_dir_fd.add(symlink)
    try:
        tests = importlib.import_module(f"test.{module}")
    except unittest.SkipTest as reason:
        results.note(module, outcome="skipped", reason=str(reason))
        return
    suite = unittest.defaultTestLoader.loadTestsFromModule(tests)
    without(results.known(), suite).run(results)


main(*sys.argv[1:])
