import pytest
from msgspec.structs import replace

from tbp.model.cells import CellCounted, MeasuredCell, RatioToVariant
from tbp.model.changes import State
from tbp.report.pages.benchmark.rates import rates_of_all, tokens_of

from ...histories import page_of

CELL = (("variant", "sdpa"), ("batch", "8"), ("sequence_length", "128"))


def suite(make_history, **counters: tuple[float, str]):
    """A step of 2 ms, and what was counted of it."""
    time = make_history((9.0, 2e-3), State.NO_CHANGE, benchmark="attention.Quick.torchtime_step", parameters=CELL)
    others = [
        make_history((value, value), State.NO_CHANGE, benchmark=f"attention.Quick.{name}", parameters=CELL, unit=unit)
        for name, (value, unit) in counters.items()
    ]
    return time, others


def said(time, others, make_report) -> dict[str, str]:
    known = rates_of_all(make_report(time, *others).histories)
    return {rate.name: rate.value for rate in known.get(time.key, ())}


def test_counters_of_the_same_cell_are_joined(make_history, make_report) -> None:
    time, others = suite(
        make_history,
        track_flops=(4e9, "FLOP"),
        track_peak_bytes=(2**20, "bytes"),
        track_operators=(12, "operators"),
        peakmem_step=(2**30, "bytes"),
    )
    assert said(time, others, make_report) == {
        "work done": "2.00 TFLOP/s",
        "throughput": "512,000 tokens/s",
        "FLOPs of a step": "4.00 GFLOP",
        "peak memory of a step": "1.00 MiB",
        "operators of a step": "12",
        "peak memory of the process": "1.00 GiB",
    }


def test_the_roof_is_said_only_where_it_was_measured(make_history, make_report) -> None:
    time, others = suite(make_history, track_flops=(4e9, "FLOP"))
    assert "share of the roof" not in said(time, others, make_report)
    beside = replace(time, roof_flop=16e9)
    assert said(beside, others, make_report)["share of the roof"].startswith("25 % ")


def test_another_cell_suite_machine_or_unit_is_not_joined(make_history, make_report) -> None:
    time, (flops,) = suite(make_history, track_flops=(4e9, "FLOP"))
    strangers = [
        replace(flops, key=replace(flops.key, machine="other")),
        replace(flops, key=replace(flops.key, parameters=(("variant", "naive"), *CELL[1:]))),
        replace(flops, key=replace(flops.key, benchmark="attention.Nightly.track_flops")),
    ]
    assert list(said(time, strangers, make_report)) == ["throughput"]
    assert said(replace(time, unit="bytes"), [flops], make_report) == {}


def test_tokens_are_known_from_parameters_only(make_history) -> None:
    def key(**parameters: str):
        return make_history(parameters=tuple(parameters.items())).key

    assert tokens_of(key(tokens="2048", sequence_length="64")) == 2048
    assert tokens_of(key(batch_size="4", seq_len="32")) == 128
    assert not tokens_of(key(sequence_length="64")) > 0
    assert not tokens_of(key(tokens="many")) > 0


def test_a_counter_leads_to_its_own_page(make_history, make_report) -> None:
    time, others = suite(make_history, track_flops=(4e9, "FLOP"))
    section = page_of(time.key.benchmark, make_report(time, *others)).sections[0]
    hrefs = {rate.name: rate.href for rate in section.rates}
    assert hrefs["work done"] == ""
    assert hrefs["FLOPs of a step"].startswith("../benchmarks/attention-Quick-track-flops-")


def test_a_measured_cell_is_said_in_one_table(make_history, make_report) -> None:
    time, others = suite(make_history)
    cell = MeasuredCell(
        counted=CellCounted(
            tokens=512,
            memory_bytes=2**20,
            max_abs_error=3e-7,
            cosine_error=0.0,
            dispatched={"aten::_scaled_dot_product_flash_attention_for_cpu": 1, "aten::addmm": 4},
        ),
        ratios=(
            RatioToVariant("naive", 0.354, 0.35, 0.36, 3, of_cpu_time=True),
            RatioToVariant("sdpa_twin", 1.004, 0.99, 1.01, 3, of_cpu_time=False),
        ),
        time_s=2e-3,
        roof_share=0.63,
        bound="bandwidth",
        first_call_s=0.5,
        threads=1,
        isa="AVX512 amx_bf16",
        engine="x86",
        omp_wait_policy="PASSIVE",
        float32_products="high",
    )
    assert said(replace(time, cell=cell), others, make_report) == {
        "beside naive": "0.354 of its time (99 % CI 0.350 to 0.360, in 3 processes, CPU time)",
        "the same work again": "+0.4 % (99 % CI −1.0 % to +1.0 %, in 3 processes)",
        "share of the roof": "63 % of the machine's memory bandwidth beside it",
        "throughput": "256,000 tokens/s",
        "first call in a process": "500 ms",
        "weights in memory": "1.00 MiB",
        "largest difference from the reference": "3e-07",
        "1 − cosine with the reference": "0",
        "attention kernel": "flash attention for cpu",
        "measured with": (
            "1 thread, AVX512 amx_bf16, OMP wait policy passive, engine x86, float32 products high (TF32)"
        ),
    }


@pytest.mark.parametrize(
    ("device_s", "words"),
    [(1.8e-3, "1.80 ms, 90 % of the wall time"), (2e-4, "200 µs, 10 % of the wall time: it waits for launches")],
)
def test_time_on_the_gpu_stands_beside_the_wall_time(device_s: float, words: str, make_history, make_report) -> None:
    time, others = suite(make_history)
    cell = MeasuredCell(counted=CellCounted(device_s=device_s), time_s=2e-3)
    assert said(replace(time, cell=cell), others, make_report)["time on the GPU"] == words
