"""What Dagster's daemon does, tick by tick: asks sensors and schedules, and runs what they want."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import dagster as dg
from dagster._utils.schedules import schedule_execution_time_iterator

from pgpredict.dagster import PgPredict


@dataclass
class Daemon:
    """A daemon that moves when it is told to.

    Attributes:
        defs: the project.
        instance: what remembers.
        cursors: of the sensors, by name.
        run_keys: of the runs that were started already.
    """

    defs: dg.Definitions
    instance: dg.DagsterInstance
    cursors: dict[str, str | None] = field(default_factory=dict)
    run_keys: set[str] = field(default_factory=set)

    def ask(self, name: str) -> Any:
        """Evaluate a sensor once, tell the instance of its events, and keep its cursor."""
        context = dg.build_sensor_context(
            instance=self.instance,
            cursor=self.cursors.get(name),
            resources={"pgpredict": PgPredict()},
            sensor_name=name,
        )
        with context:
            said = self.defs.resolve_sensor_def(name).evaluate_tick(context)
        self.cursors[name] = said.cursor
        for event in said.asset_events:
            self.instance.report_runless_asset_event(event)
        return said

    def wanted(self, name: str) -> list[dg.RunRequest]:
        """The runs that a sensor wants, without those of keys that it had already."""
        new = [r for r in self.ask(name).run_requests or [] if r.run_key not in self.run_keys]
        self.run_keys |= {request.run_key for request in new if request.run_key}
        return new

    def due(self, name: str, at: datetime) -> Any:
        """Evaluate a schedule at a time."""
        context = dg.build_schedule_context(
            instance=self.instance,
            scheduled_execution_time=at,
            repository_def=self.defs.get_repository_def(),
        )
        with context:
            return self.defs.resolve_schedule_def(name).evaluate_tick(context)

    def tick(self, name: str, at: datetime) -> list[dg.ExecuteInProcessResult]:
        """Evaluate a schedule at a time, and run what it wants."""
        job = self.defs.resolve_schedule_def(name).job_name
        requests = self.due(name, at).run_requests or []
        return [self.run(job, request.partition_key) for request in requests]

    def run(self, job: str, day: str | None = None) -> dg.ExecuteInProcessResult:
        """Run a job in this process."""
        return self.defs.resolve_job_def(job).execute_in_process(
            instance=self.instance, partition_key=day, raise_on_error=False
        )

    def unattended(self, begin: datetime, hours: int) -> list[dg.ExecuteInProcessResult]:
        """Let a clock run: each schedule ticks whenever it is due."""
        end = begin + timedelta(hours=hours)
        due = []
        for name in self.schedules:
            schedule = self.defs.resolve_schedule_def(name)
            moments = schedule_execution_time_iterator(
                begin.timestamp(), schedule.cron_schedule, schedule.execution_timezone
            )
            for moment in moments:
                if moment >= end:
                    break
                due.append((moment, name))
        return [result for moment, name in sorted(due) for result in self.tick(name, moment)]

    @property
    def schedules(self) -> list[str]:
        """The names of all schedules."""
        return [schedule.name for schedule in self.defs.get_repository_def().schedule_defs]
