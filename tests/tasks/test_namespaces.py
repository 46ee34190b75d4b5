"""What a machine refuses to let a test try is skipped by hand and fails in CI, never passes."""

import pytest

from tests.tasks.namespaces import leave_untested


def test_a_test_that_cannot_run_fails_in_ci_with_the_remedy(monkeypatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=r"NOT TESTED: no mounts\. .* or unset CI"):
        leave_untested("no mounts")


def test_elsewhere_it_is_skipped_with_the_reason(monkeypatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="NOT TESTED: no mounts"):
        leave_untested("no mounts")
