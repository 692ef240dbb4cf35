from tbp.model.changes import Change, ChangeEvidence, Circumstance, Side, Sides
from tbp.model.series import Better
from tbp.report.parts import change_sides
from tbp.report.parts.change_sides import UNCHANGED_SHOWN, Strip, around, legend, strips

CHANGE = Change(3, 1e-3, 2e-3, 0.01, True)


def box(strip: Strip) -> list[int]:
    """Quartiles with the median between them, in the strip's own units."""
    return list(strip.drawn[:3])


def dots(strip: Strip) -> list[int]:
    return list(strip.drawn[3:])


def side(*values: float, measured: int = 0, processes: int = 0) -> Side:
    middle = values[len(values) // 2]
    return Side(values, measured or len(values), values[0], middle, values[-1], len(values), processes)


def test_both_sides_are_on_one_scale() -> None:
    found = strips(Sides(side(1e-3, 2e-3, 3e-3), side(5e-3), "run medians"), "seconds")
    before, after = found.rows
    assert dots(before) == [0, 250, 500]
    assert box(before) == [0, 250, 500]
    assert box(after) == [1000, 1000, 1000]
    assert dots(after) == [1000]
    assert found.scale == ("1.00 ms", "3.00 ms", "5.00 ms")  # the ends are values, not room around them
    assert found.remark == ""
    assert before.sentence == "median 2.00 ms, quartiles 1.00 ms – 3.00 ms; n = 3 runs"
    assert after.sentence == "median 5.00 ms; n = 1 run"


def test_the_process_is_what_is_counted() -> None:
    both = Sides(side(1.0, 2.0, measured=900, processes=3), side(3.0, measured=1, processes=1), "samples")
    found = strips(both, "seconds")
    assert found.rows[0].sentence.endswith("n = 3 processes in 2 runs, with 900 samples")
    assert found.rows[1].sentence.endswith("n = 1 process in 1 run, with 1 sample")
    assert found.remark == "A dot stands for several samples."


def test_runs_that_are_only_the_nearest_ones_are_not_counted_as_all() -> None:
    many = Side((1.0,) * 100, 100, 1.0, 1.0, 1.0, 100, 0)
    found = strips(Sides(many, side(2.0), "run medians"), "unit")
    assert [strip.sentence.partition("n = ")[2] for strip in found.rows] == ["the 100 nearest runs", "1 run"]


def test_which_values_are_shown_and_which_end_is_better_is_said() -> None:
    said = legend("seconds", Better.LOWER)
    assert said.startswith(
        "A strip shows time per call, lower is better: on each side of a change at most the 100 nearest"
    )
    assert legend("tokens/s", Better.HIGHER).startswith("A strip shows values, higher is better: ")


def test_what_is_far_out_is_told_and_does_not_squeeze_the_rest() -> None:
    before = Side((1.0, 2.0, 3.0, 50.0), 4, 1.5, 2.0, 2.5, 4, 0)
    found = strips(Sides(before, side(2.0), "run medians"), "seconds")
    assert len(dots(found.rows[0])) == 3
    assert found.remark == "1 dot lies beyond the scale, the farthest at 50.0 s."
    assert found.scale == ("1.00 s", "2.00 s", "3.00 s")


def test_dots_stay_inside_their_strip_whatever_the_values_are() -> None:
    for values in ((0.0,), (-1.0, 1e9), (7.0,) * 50):
        found = strips(Sides(side(*values), side(*values), "run medians"), "unit")
        assert len(dots(found.rows[0])) == len(values)
        assert all(0 <= x <= change_sides.WIDTH for x in [*dots(found.rows[0]), *box(found.rows[0])])


def evidence(*known: tuple[str, str, str]) -> ChangeEvidence:
    return ChangeEvidence(CHANGE, circumstances=tuple(Circumstance(*one) for one in known))


def test_that_nothing_else_changed_is_said_with_what_it_is_known_of() -> None:
    known = (("numpy", "2.0", "2.0"), ("torch", "2.13", "2.13"), ("processor", "Z80", "Z80"), ("scipy", "", "1.17"))
    found = around(evidence(*known))
    assert found.rows == ()
    assert found.sentence == "Nothing else that is recorded changed: torch 2.13, processor Z80, numpy 2.0."
    assert found.rest == "Recorded on one side only: scipy."


def test_where_no_hardware_is_recorded_another_machine_is_not_ruled_out() -> None:
    assert around(evidence(("python", "3.9", "3.9"))).sentence == (
        "The hardware is not recorded, so it may have been another machine; the same on both sides: python 3.9."
    )


def test_what_changed_beside_the_code_comes_first_and_the_rest_is_counted() -> None:
    same = tuple((f"package-{i}", "1", "1") for i in range(UNCHANGED_SHOWN + 9))
    found = around(evidence(*same, ("torch", "2.12", "2.13")))
    assert found.sentence == "What changed besides the code: torch."
    assert [one.name for one in found.rows[:2]] == ["torch", "package-0"]
    assert found.rest.startswith("The same on both sides: package-6, ")
    assert found.rest.endswith("and 1 more.")


def test_where_nothing_is_recorded_nothing_is_claimed() -> None:
    assert around(evidence()).sentence == "The results do not record what the runs were measured with."
    assert around(evidence(("scipy", "", "1.17"))).sentence == "Nothing else is known to have changed."
