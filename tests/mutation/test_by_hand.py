"""The mistakes of `by_hand` are noticed, each by the test that says its name."""

import re
from collections.abc import Iterator

import pytest

from mutation.by_hand import MISTAKES, Mistake
from mutation.equivalent import EQUIVALENT
from mutation.mutants import mutants
from mutation.trial import ROOT, Bench

_FAILED = 1
"""pytest's exit code: a test failed."""


def test_each_can_still_be_made_and_has_its_test() -> None:
    for mistake in MISTAKES:
        mistake.mutant()
        path, *names = mistake.test.split("::")
        text = (ROOT / path).read_text(encoding="utf-8")
        assert all(re.search(rf"(def|class) {re.escape(name)}\b", text) for name in names), mistake.test
    assert len({mistake.name for mistake in MISTAKES}) == len(MISTAKES)


def test_each_that_is_said_to_be_equivalent_can_still_be_made() -> None:
    source = ROOT / "src" / "jqfollow"
    modules = {name.partition(":")[0] for name in EQUIVALENT}
    names = {m.name for path in modules for m in mutants(path, (source / path).read_text(encoding="utf-8"))}
    assert EQUIVALENT.keys() - names == set()


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.close()


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_it_is_noticed(bench: Bench, mistake: Mistake) -> None:
    code, by, _ = bench.run(mistake.mutant(), [mistake.test], 300)
    assert code == _FAILED, bench.output
    assert by.startswith(mistake.test)
