"""Who may measure which commit: literal leases, literal answers."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from tbp.nightly.leases import (
    LEASE,
    Lease,
    PoolSetup,
    leased,
    read_lease,
    released,
    runner_name,
    taken,
    unfinished,
    written,
)

AT = datetime(2026, 5, 1, 3, tzinfo=UTC)
HOUR = timedelta(hours=1)
POOL = PoolSetup("fleet", "env")
X, Y = "a" * 40, "b" * 40


def lease(runner: str, commit: str, hours: float = 1, setup: PoolSetup = POOL) -> Lease:
    return Lease(setup, runner, commit, AT - HOUR, AT + hours * HOUR)


def test_a_lease_keeps_other_runners_of_its_setup_from_a_commit_until_it_ends():
    leases = [lease("ada", X), lease("bob", Y, hours=-0.1)]
    assert leased(leases, POOL, "carol", AT) == {X}
    assert leased(leases, POOL, "ada", AT) == frozenset()
    assert leased(leases, PoolSetup("another machine", "env"), "carol", AT) == frozenset()
    assert leased(leases, PoolSetup("fleet", "other environments"), "carol", AT) == frozenset()
    assert leased(leases, POOL, "carol", AT + HOUR) == frozenset()


def test_a_lease_of_a_clock_that_is_years_ahead_blocks_nobody():
    ahead = [Lease(POOL, "ada", X, AT + hours, AT + hours + HOUR) for hours in (0.5 * HOUR, timedelta(days=999))]
    assert leased(ahead[:1], POOL, "carol", AT) == {X}
    assert leased(ahead[1:], POOL, "carol", AT) == frozenset()
    assert released(ahead[1:], POOL, "carol", [X], AT) == ()


def test_a_commit_of_an_ended_or_own_lease_may_be_measured_in_part():
    leases = [lease("ada", X), lease("bob", Y, hours=-0.1), lease("dan", Y, setup=PoolSetup("lab"))]
    assert unfinished(leases, POOL, "ada", AT) == (X, Y)
    assert unfinished(leases, POOL, "carol", AT) == (Y,)


def test_a_runner_has_one_lease_and_takes_over_what_has_ended():
    before = [lease("ada", X), lease("bob", Y, hours=-0.1), lease("dan", Y, setup=PoolSetup("lab"))]
    after = taken(before, POOL, "ada", Y, done=[X], now=AT, last=2 * HOUR)
    assert after == (before[2], Lease(POOL, "ada", Y, AT, AT + 2 * HOUR))
    assert taken([], POOL, "ada", Y, [], AT, timedelta(days=2))[0].until == AT + LEASE


def test_a_stopped_commit_leaves_a_lease_that_has_ended():
    assert released([lease("ada", X)], POOL, "ada", [], AT) == (Lease(POOL, "ada", X, AT - HOUR, AT),)
    assert released([lease("ada", X)], POOL, "ada", [X], AT) == ()
    assert released([lease("bob", X)], POOL, "ada", [X], AT) == (lease("bob", X),)


def test_runners_do_not_share_a_file():
    paths = {each.path for each in (lease("ada", X), lease("bob", X), lease("ada", X, setup=PoolSetup("lab")))}
    assert len(paths) == 3
    assert lease("ada", X).path == lease("ada", Y).path


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"format": 1}', b"\xff", written(lease("ada", X)).replace(b'"format":1', b'"format":2'),
     written(Lease(POOL, "ada", X, AT, AT + timedelta(days=9))), written(lease("../../results/box", X)),
     written(lease("ada\0", X)), written(lease("", X))],
)  # fmt: skip
def test_what_nobody_can_read_or_anybody_could_want_keeps_nobody_from_measuring(content: bytes):
    assert read_lease(content) is None
    assert read_lease(written(lease("ada", X))) == lease("ada", X)


def test_a_lease_is_small():
    assert len(msgspec.json.encode(lease("ada", X))) < 1000


def test_a_runner_is_a_results_folder_on_a_machine(tmp_path: Path):
    assert runner_name(tmp_path / "a") == runner_name(tmp_path / "b" / ".." / "a") != runner_name(tmp_path / "b")
