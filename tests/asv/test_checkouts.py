"""Commits installed for one gate or night at a time; the gate's own tests install real ones."""

from pathlib import Path

import pytest

from tbp.asv.checkouts import checkouts
from tbp.errors import RunFailed
from tbp.project.asv_config import read_config
from tbp.system.locks import alone_in


def test_another_gate_with_the_same_environments_is_waited_for_within_the_budget(tmp_path: Path):
    path = tmp_path / "asv.conf.json"
    path.write_text('{"env_dir": "made/here"}')
    config, waited = read_config(path), []
    (tmp_path / "made" / "here").mkdir(parents=True)
    with (
        alone_in(tmp_path / "made" / "here"),
        pytest.raises(RunFailed, match="the budget ended while another gate or night measured"),
        checkouts(config, ("a", "b"), timeout_s=0.1, waits=lambda: waited.append(True)),
    ):
        pass
    assert waited == [True]
