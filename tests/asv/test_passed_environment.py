"""The variables that asv and all that it starts get: an allow-list, and never what looks like a secret."""

import pytest

from tbp.asv.passed_environment import PASSED, passed_on


@pytest.mark.parametrize(
    "name",
    ["PATH", "HOME", "LC_ALL", "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "TBP_THREADS", "PIP_INDEX_URL", "LD_PRELOAD"],
)
def test_what_measuring_needs_is_passed(name: str):
    assert passed_on({name: "x"}) == {name: "x"}


@pytest.mark.parametrize(
    "name",
    [
        "GITHUB_TOKEN", "GH_TOKEN", "ACTIONS_RUNTIME_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL", "GITHUB_ENV",
        "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "AWS_SECRET_ACCESS_KEY", "HF_TOKEN", "WANDB_API_KEY", "NVIDIA_API_KEY",
        "SSH_AUTH_SOCK", "GIT_ASKPASS", "GIT_CONFIG_PARAMETERS", "GNUPGHOME", "MYSQL_PWD", "KUBECONFIG", "PIP_PASSWORD",
        "UV_PUBLISH_TOKEN", "TBP_WEBHOOK_SECRET", "ASV_API_KEY", "PYTHONSAFEPATH", "PYTHONSTARTUP", "BROWSER",
        "path", "PATHS", "",
    ],
)  # fmt: skip
def test_nothing_else_is(name: str):
    assert passed_on({name: "x"}) == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PIP_INDEX_URL", "https://user:password@index.example/simple"),
        ("PIP_EXTRA_INDEX_URL", "https://index.example/simple https://token@other.example/"),
        ("HTTPS_PROXY", "http://me:secret@proxy:3128"),
    ],
)
def test_an_address_with_a_password_is_a_secret(name: str, value: str):
    assert passed_on({name: value}) == {}
    assert passed_on({name: value.replace("user:password@", "").replace("token@", "").replace("me:secret@", "")})
    assert passed_on({name: value}, [name]) == {name: value}


def test_a_project_passes_more_by_name():
    variables = {"MY_DATA": "1", "MYLIB_A": "2", "MYLIB_TOKEN": "3", "DEPLOY_TOKEN": "4", "OTHER": "5"}
    assert passed_on(variables, ["MY_DATA", "MYLIB_*"]) == {"MY_DATA": "1", "MYLIB_A": "2"}
    assert passed_on(variables, ["DEPLOY_TOKEN", "DEPLOY_*"]) == {"DEPLOY_TOKEN": "4"}


def test_no_name_of_the_list_is_a_secret_or_passes_all():
    assert passed_on({name.replace("*", "X"): "x" for name in PASSED}).keys() == {n.replace("*", "X") for n in PASSED}
    assert all(len(name) > 2 for name in PASSED if name.endswith("*"))
