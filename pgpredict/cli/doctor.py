"""``pgpredict doctor``."""

from __future__ import annotations

from dataclasses import asdict

import typer

from pgpredict.cli import screen
from pgpredict.cli.exit_codes import ExitCode
from pgpredict.cli.options import Dsn, Json


def doctor(dsn: Dsn = None, json: Json = False) -> None:
    """Check the connection, the server, the schema, the rights and the settings; say what to do.

    The exit code is 5 if something stands in the way.
    """
    from pgpredict.doctor import examine

    findings = examine(dsn)
    if json:
        screen.answer([asdict(finding) for finding in findings])
    else:
        width = max(len(finding.subject) for finding in findings)
        for finding in findings:
            screen.say(f"{finding.state:<8} {finding.subject:<{width}}  {finding.found}")
            if finding.do:
                screen.say(f"{'':<8} {'':<{width}}  do: {finding.do}")
    if any(finding.state == "problem" for finding in findings):
        raise typer.Exit(ExitCode.DATABASE)
