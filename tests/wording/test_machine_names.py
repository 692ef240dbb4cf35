"""A machine is called by what tells it apart."""

from tbp.model.runs import Machine
from tbp.wording.machine_names import faces, short

LINUX, WINDOWS = ("system", "Ubuntu 22.04"), ("system", "Windows 11")
CPU = ("processor", "Intel(R) Xeon(R) CPU E5-2690 v4 @ 2.60GHz")
RTX, A100 = ("GPU", "RTX 4090"), ("GPU", "A100")


def called(**facts: tuple[tuple[str, str], ...]) -> dict[str, str]:
    return dict(faces([Machine(name, own) for name, own in facts.items()]))


def test_what_it_is_and_what_differs():
    assert called(one=(CPU, RTX, LINUX), two=(CPU, RTX, WINDOWS)) == {
        "one": "RTX 4090 · Ubuntu 22.04", "two": "RTX 4090 · Windows 11",
    }  # fmt: skip
    assert called(one=(CPU, LINUX), two=(CPU, WINDOWS)) == {
        "one": "Intel Xeon E5-2690 v4 · Ubuntu 22.04", "two": "Intel Xeon E5-2690 v4 · Windows 11",
    }  # fmt: skip
    assert called(one=(CPU, RTX, LINUX), two=(CPU, A100, LINUX)) == {"one": "RTX 4090", "two": "A100"}
    assert called(one=(CPU, RTX), two=(CPU,)) == {"one": "RTX 4090", "two": "Intel Xeon E5-2690 v4"}


def test_where_nothing_differs_it_is_the_identifier():
    assert called(one=(CPU, LINUX), two=(CPU, LINUX, ("cores", "8"))) == {"one": "one", "two": "two"}
    assert called(one=(CPU, RTX, LINUX)) == {"one": "one"}
    assert called(one=(CPU, LINUX), two=()) == {"one": "one", "two": "two"}
    assert called() == {}


def test_those_that_are_alike_have_their_identifier_behind():
    assert called(one=(RTX, LINUX), two=(RTX, LINUX), three=(RTX, WINDOWS), four=()) == {
        "one": "RTX 4090 · Ubuntu 22.04 · one",
        "two": "RTX 4090 · Ubuntu 22.04 · two",
        "three": "RTX 4090 · Windows 11",
        "four": "four",
    }


def test_a_vendor_s_marks_are_left_out():
    assert short("Intel(R) Core(TM) i9-13900K CPU @ 3.00GHz") == "Intel Core i9-13900K"
    assert short("AMD EPYC-Milan Processor") == "AMD EPYC-Milan"
    assert short("CPU") == "CPU"
