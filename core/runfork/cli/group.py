"""The group of all commands, which come from plugins, and how the command line ends: exit codes, errors in a sentence."""

from __future__ import annotations

import difflib
import io
import os
import sys
import traceback
import warnings
from typing import TYPE_CHECKING, Any, NoReturn

import click

from runfork.errors import ArgumentError, RunforkError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runfork.plugins import Plugins

EXIT_OK = 0
EXIT_PROBLEM = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130
_PLUGINS_KEY = "runfork.plugins"

BUILT_IN = ("runfork.cli.commands",)
"""Our own features that commands need and that are plugins like everyone's; those beside training take long to import."""


class CommandGroup(click.Group):
    """A group whose subcommands come from plugins, and are imported when they are used."""

    def _factories(self, context: click.Context) -> dict[str, Callable[[], click.Command]]:
        factories: dict[str, Callable[[], click.Command]] = {}
        for factory in current_plugins(context).register_commands():
            name = getattr(factory, "name", None) or factory().name or ""
            # pluggy calls the plugin registered last first, so a plugin may replace ours
            factories.setdefault(name, factory)
        return factories

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, sorted."""
        return sorted(self._factories(ctx))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command; None if there is none of that name."""
        factory = self._factories(ctx).get(cmd_name)
        return None if factory is None else factory()

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that `args` begin with; the message for an unknown one names those that are close."""
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            close = difflib.get_close_matches(name, self.list_commands(ctx), n=2)
            hint = f"did you mean {' or '.join(close)}?" if close else "see 'runfork --help'"
            failed = current_plugins(ctx).failures
            hint += f" (plugins that failed: {', '.join(sorted(failed))}; see 'runfork plugins')" if failed else ""
            raise click.UsageError(f"there is no command {name!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        rows = []
        for name, factory in sorted(self._factories(ctx).items()):
            summary = getattr(factory, "summary", None)
            rows.append((name, summary if summary is not None else factory().get_short_help_str(80)))
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Tell of plugins that failed, below the commands."""
        super().format_epilog(ctx, formatter)
        if failures := current_plugins(ctx).failures:
            formatter.write_paragraph()
            formatter.write_text(f"Plugins that failed: {', '.join(sorted(failures))}. 'runfork plugins' says why.")

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command line; in standalone mode every way out is an exit code, and errors are one sentence on stderr."""

        def run() -> Any:
            return super(CommandGroup, self).main(args, prog_name, complete_var, standalone_mode=False, **extra)

        if not standalone_mode:
            return run()
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            _accept_any_text()
            sys.exit(_exit_code(run))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the subcommand; a closed pipe (``| head``) passes click's own handling, which would call it a failure."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise _PipeClosedError from error


def _accept_any_text() -> None:
    """Write what the terminal's encoding lacks as a question mark; names and logs may hold anything."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _exit_code(run: Callable[[], Any]) -> int:
    try:
        code = run()
        sys.stdout.flush()
    except click.Abort:
        return EXIT_INTERRUPTED
    except (_PipeClosedError, BrokenPipeError):
        return _leave_pipe()
    except Exception as error:  # the one boundary of the command line: nobody should meet a traceback unasked
        return _tell_error(error)
    return code if isinstance(code, int) else EXIT_OK


class _PipeClosedError(Exception):
    """Whoever read the output went away."""


def _leave_pipe() -> int:
    # Python flushes stdout once more when it exits; give it somewhere to flush to
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return EXIT_OK


def _tell_error(error: Exception) -> int:
    if os.environ.get("RUNFORK_DEBUG") == "1":
        traceback.print_exception(type(error), error, error.__traceback__, file=sys.stderr)
    if isinstance(error, click.UsageError):
        place = error.ctx.command_path if error.ctx is not None else "runfork"
        message = error.format_message().rstrip(".")
        hint = "" if "--help" in message else f"; see '{place} --help'"
        click.echo(f"{place}: {message[:1].lower()}{message[1:]}{hint}", err=True)
        return EXIT_USAGE
    if isinstance(error, click.ClickException):
        click.echo(f"runfork: {error.format_message()}", err=True)
        return error.exit_code
    if isinstance(error, (RunforkError, OSError, ImportError)):
        click.echo(f"runfork: {_one_sentence(error)}", err=True)
        return EXIT_USAGE if isinstance(error, ArgumentError) else EXIT_PROBLEM
    click.echo(
        f"runfork: this should not happen: {type(error).__name__}: {_one_sentence(error)}; "
        "set RUNFORK_DEBUG=1 to see where, and report it",
        err=True,
    )
    return EXIT_PROBLEM


def _one_sentence(said: Exception | str) -> str:
    from runfork.cli.formats import one_line

    return one_line(" ".join(str(said).split())) or type(said).__name__


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    click.echo(f"runfork: {_one_sentence(message)}", err=True)


def current_plugins(context: click.Context | None = None) -> Plugins:
    """Return the plugins of the command line that is running, loaded on first use."""
    from runfork.plugins import load_plugins

    context = context or click.get_current_context(silent=True)
    if context is None:
        return load_plugins(built_in=BUILT_IN)
    found: Plugins = context.find_root().meta.setdefault(_PLUGINS_KEY, None) or load_plugins(built_in=BUILT_IN)
    context.find_root().meta[_PLUGINS_KEY] = found
    return found


@click.group(
    cls=CommandGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="runfork", message="%(prog)s %(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    """Read runs that fork: list, show, compare, plot and export them, and check what is on disk."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 is fine, 1 a problem or nothing found, 2 wrong usage, 130 interrupted.

    Args:
        args: Arguments; None takes those of the process.
    """
    cli.main(args=args, prog_name="runfork")
    raise AssertionError("a standalone command line exits")
