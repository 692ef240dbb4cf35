"""A benchmark's name, type and unit → the better direction, and how it is known."""

import re
import tomllib

import pytest

from tbp.model.series import Better
from tbp.project.directions import Direction, better_of_unit, deciding_lines, direction
from tbp.project.policy import Policy

NOTHING_ASKED = Policy()


def of_name(function: str) -> Better:
    return direction(f"suite.Loss.{function}", "track", "unit", NOTHING_ASKED).better


@pytest.mark.parametrize(
    "unit",
    ["tokens/s", "it/s", "1/s", "samples / sec", "steps per second", "frames/h", "tokens/s/GPU", "GB/sec", "MiB/s",
     "fps", "Hz", "kHz", "GFLOP/s", "TFLOPS", "cosine", "accuracy", "GPU utilization", "speed-up"],
)  # fmt: skip
def test_rates_and_agreement_are_better_higher(unit: str):
    assert better_of_unit(unit) is Better.HIGHER


@pytest.mark.parametrize(
    "unit",
    ["s", "seconds", "ms", "µs", "μs", "us", "ns", "minutes", "s/step", "ms per token", "bytes", "B", "kB", "GiB",
     "FLOP", "GFLOPs", "operators", "relative error", "loss", "perplexity", "cache misses", "MSE"],
)  # fmt: skip
def test_times_sizes_work_and_faults_are_better_lower(unit: str):
    assert better_of_unit(unit) is Better.LOWER


@pytest.mark.parametrize(
    "unit",
    ["", "unit", "%", "m", "rad", "none", "frames", "count", "x", "calls", "steps", "h", "K", "points", "lossless",
     "m/s", "rad/s", "N/s", "%/s", "errors/s", "ms/s", "flops", "gb", "microns", "terrors", "offset"],
)  # fmt: skip
def test_a_unit_that_says_nothing_is_not_guessed(unit: str):
    assert better_of_unit(unit) is Better.UNKNOWN


@pytest.mark.parametrize(
    "function",
    ["track_throughput", "track_tokens_per_s", "track_bytes_per_second", "track_samplesPerSec", "track_fps",
     "track_speedup", "track_speed_up", "track_accuracy", "track_cosine_similarity", "track_hit_rate",
     "track_GPUUtilization"],
)  # fmt: skip
def test_words_of_a_name_that_are_better_higher(function: str):
    assert of_name(function) is Better.HIGHER


@pytest.mark.parametrize(
    "function",
    ["track_loss", "track_val_loss", "trackLoss", "track_error_rate", "track_max_error", "track_perplexity",
     "track_latency_p99", "track_cache_misses", "track_step_time", "track_jit_duration", "track_peak_memory",
     "track_ms_per_step", "track_errors_per_step"],
)  # fmt: skip
def test_words_of_a_name_that_are_better_lower(function: str):
    assert of_name(function) is Better.LOWER


@pytest.mark.parametrize(
    "function",
    [
        "track_metric", "track_lossless_ratio", "track_buffps", "track_glossary", "track_terrors", "track_timesteps",
        "track_frames",
        # Two words that say the opposite, and words that turn another around.
        "track_memory_bandwidth", "track_errors_per_s", "track_accuracy_loss", "track_time_to_accuracy",
        "track_cosine_distance", "track_free_memory", "track_loss_scale", "track_neg_loss", "track_accuracy_drop",
    ],
)  # fmt: skip
def test_a_name_that_says_nothing_or_two_things_is_not_guessed(function: str):
    assert of_name(function) is Better.UNKNOWN


def test_a_class_is_named_for_what_it_runs_and_says_nothing():
    assert direction("loss.Accuracy.track_value", "track", "", NOTHING_ASKED) == Direction(Better.UNKNOWN)


@pytest.mark.parametrize(
    ("benchmark", "kind", "unit", "expected"),
    [
        ("m.time_accuracy", "time", "seconds", Direction(Better.LOWER, "time")),
        ("m.mem_hits", "memory", "bytes", Direction(Better.LOWER, "memory")),
        ("m.peakmem_it", "peakmemory", "bytes", Direction(Better.LOWER, "peak memory")),
        ("m.track_it", "track", "it/s", Direction(Better.HIGHER, "unit it/s")),
        ("m.track_error", "track", "m", Direction(Better.LOWER, "error in its name")),
        ("m.track_accuracy", "track", "%", Direction(Better.HIGHER, "accuracy in its name")),
        ("m.track_it", "track", "%", Direction(Better.UNKNOWN, "")),
        ("m.track_it", "unknown", "unknown", Direction(Better.UNKNOWN, "")),
    ],
)
def test_the_type_is_asked_before_the_unit_and_the_unit_before_the_name(
    benchmark: str, kind: str, unit: str, expected: Direction
):
    assert direction(benchmark, kind, unit, NOTHING_ASKED) == expected


def test_the_project_is_asked_first():
    policy = Policy(better=((re.compile(r"time_up"), Better.HIGHER), (re.compile("track_"), Better.LOWER)))
    asked = "[tool.tbp.better] in pyproject.toml"
    assert direction("m.time_up", "time", "seconds", policy) == Direction(Better.HIGHER, asked)
    assert direction("m.track_it", "track", "it/s", policy) == Direction(Better.LOWER, asked)
    assert direction("m.time_it", "time", "seconds", policy) == Direction(Better.LOWER, "time")


def test_one_line_decides_all_functions_of_one_name():
    (line,) = deciding_lines(["a.Cloth.track_metric", "a.Humanoid.track_metric"])
    assert line == '"track_metric$" = "lower"'


@pytest.mark.parametrize("name", ["m.track_a", 'm.track_"\\.b', "m.track_(c", "m.track_ü"])
def test_the_lines_are_toml_and_find_their_benchmark(name: str):
    (line,) = deciding_lines([name])
    ((pattern, better),) = tomllib.loads(line).items()
    assert re.search(pattern, name)
    assert better == "lower"
