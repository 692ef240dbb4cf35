"""``tbp completion``: what a shell needs to complete verbs, options, files and names of benchmarks."""

from __future__ import annotations

import argparse

from tbp.errors import ExitCode
from tbp.system.printing import show

HELP = "print what makes the Tab key of a shell complete verbs, options and names of benchmarks"
EXAMPLES = (
    ("in ~/.bashrc", 'eval "$(tbp completion bash)"'),
    ("in ~/.zshrc, below compinit", 'eval "$(tbp completion zsh)"'),
    ("once, for fish", "tbp completion fish > ~/.config/fish/completions/tbp.fish"),
)
SHELLS = ("bash", "zsh", "fish")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))


def run(options: argparse.Namespace) -> ExitCode:
    """Returns 0 when it is printed. Raises UsageError without argcomplete."""
    from tbp.errors import UsageError

    try:
        from argcomplete.shell_integration import shellcode
    except ImportError:
        raise UsageError("completion needs argcomplete: pip install 'tbp-perf[completion]'") from None
    show(shellcode(["tbp"], shell=options.shell) + "\n")
    return ExitCode.OK
