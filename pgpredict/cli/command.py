"""A command whose errors are ours."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand

from pgpredict.cli.exit_codes import ExitCode


class Command(TyperCommand):
    """A command that prints what went wrong and exits with a code that says of which kind.

    Wrong usage is left to typer: it prints the usage and exits with 2.
    """

    def invoke(self, ctx: Any) -> Any:
        """Run the command.

        Args:
            ctx: typer's context of this call.

        Returns:
            What the command returns.

        Raises:
            typer.Exit: with the code of `pgpredict.cli.exit_codes`.
        """
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, typer.BadParameter, BrokenPipeError):
            raise
        except KeyboardInterrupt:
            from pgpredict.cli.screen import complain

            complain("interrupted")
            raise typer.Exit(ExitCode.INTERRUPTED) from None
        except Exception as error:
            from pgpredict.cli.refusal import report

            raise typer.Exit(report(error, ctx.info_name or "", ctx.params)) from error


def add(app: typer.Typer, function: Callable[..., None], **settings: Any) -> None:
    """Add a command of the name of its function, with the docstring as its help.

    Args:
        app: where to add it.
        function: what it does; its parameters become arguments and options.
        settings: more for typer, such as ``rich_help_panel``; or another ``name``.
    """
    # Lines of a paragraph are joined: typer keeps the breaks of the source, at the wrong width.
    paragraphs = inspect.cleandoc(function.__doc__ or "").split("\n\n")
    text = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
    name = settings.pop("name", function.__name__)
    app.command(name, cls=Command, help=text, **settings)(function)
