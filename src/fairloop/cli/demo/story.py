"""The demo's story, told with numbers: three turns of the loop on real census data."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairloop.cli.demo.report import cycle_report
from fairloop.cli.loading import find_loop
from fairloop.client.client import Client
from fairloop.core.cycles import Cycle, CycleEvent, Stage
from fairloop.core.people import Role
from fairloop.core.records import to_wire
from fairloop.errors import FairloopError, NotFound, Unavailable

if TYPE_CHECKING:
    from fairloop.cli.demo.traffic import Traffic
    from fairloop.core.monitors import Alert
    from fairloop.sdk.loop import Loop
    from fairloop.tables.table import Table

PROJECT, LOOP, DATASET = "census", "income", "census"
SCIENTIST, MANAGER, AUDITOR = "Dana Scientist", "Mira Manager", "Aldo Auditor"
GOAL = "Find people likely to earn over 50K, equally well for women and men"
LIVE_ROWS, CANARY_ROWS, SHIFTED_ROWS = 4000, 12_000, 4000
Say = Callable[[str], None]


@dataclass(slots=True)
class Story:
    """One telling. ``told`` collects the numbers for ``--report``."""

    url: str
    folder: Path
    say: Say
    told: dict[str, Any] = field(default_factory=lambda: {"schema": 1, "cycles": []})

    def client(self, person: str | None = None) -> Client:
        return Client(self.url, project=PROJECT, person=person)

    def tell(self) -> None:
        loop, learning, held_out = self.prepare()
        self.say(f"\n1. {len(learning):,} people to learn from, {len(held_out):,} held out as tomorrow's customers")
        self.first_cycle(loop, learning)
        traffic = self.open_traffic(held_out)
        try:
            alert = self.bias_found(traffic)
            self.second_cycle(alert, traffic)
            self.shift(held_out)
            self.told["windows"] = self.judged_windows()
        finally:
            traffic.close()

    def stop_endpoints(self) -> None:
        """Endpoints outlive the server, so whoever ends the server for good ends them first."""
        client = self.client()
        for endpoint in client.endpoints.list():
            client.endpoints.stop(endpoint.name, reason="the demo is over")

    # ------------------------------------------------------------------ setting the scene
    def prepare(self) -> tuple[Loop, Table, Table]:
        """The project, its people, the loop file and the data in two parts."""
        admin = Client(self.url)
        try:
            self.client().projects.get()
        except NotFound:
            admin.projects.create(PROJECT, goal=GOAL, budget_usd=50.0)
        for name, role in ((SCIENTIST, Role.DATA_SCIENTIST), (MANAGER, Role.MANAGER), (AUDITOR, Role.AUDITOR)):
            admin.people.create(name)
            self.client().people.set_member(name, role)
        source = resources.files("fairloop.cli.demo") / "income_loop.py"
        target = self.folder / "loop.py"
        with resources.as_file(source) as path:
            shutil.copyfile(path, target)
        loop = find_loop(target)
        people = census(loop)
        learning, held_out = people.split(0.8, 0.2, seed=11)
        return loop, learning, held_out

    # ------------------------------------------------------------------ cycle 1
    def first_cycle(self, loop: Loop, learning: Table) -> None:
        from fairloop.datasets.publish import publish

        client = self.client(SCIENTIST)
        version = publish(client, DATASET, learning, licence="CC BY 4.0",
                          origin={"words": "UCI Adult (Becker and Kohavi, 1996), without the rows held out as traffic"})  # fmt: skip
        self.say(f"   dataset {DATASET} v{version.version}, loop file {self.folder / 'loop.py'}")
        self.say("\n2. Cycle 1: the policy asks for quality only, as most teams' does")
        loop.register(client)
        cycle = client.loops.start(LOOP, version.id, words=f"{SCIENTIST} turned the loop for the first time.")
        done = self.follow(client, cycle, expect=(Stage.LIVE,))
        self.report(client, done)

    def open_traffic(self, held_out: Table) -> Traffic:
        from fairloop.cli.demo.traffic import Traffic

        return Traffic(self.client(), LOOP, held_out)

    def bias_found(self, traffic: Traffic) -> Alert:
        """Traffic comes, labels follow, the watch looks: an alert with its evidence."""
        self.say(f"\n3. {LIVE_ROWS:,} held-out people ask the endpoint over HTTP; their labels arrive later")
        traffic.send(LIVE_ROWS)
        alert = self.watch_until_alert("demographic_parity_difference")
        verdict = alert.verdict
        self.say(f"   ALERT  {alert.words}")
        self.say(
            f"   demographic parity difference {verdict.estimate:.3f} [{verdict.low:.3f}, {verdict.high:.3f}], n={verdict.n}"
        )
        return alert

    # ------------------------------------------------------------------ cycle 2
    def second_cycle(self, alert: Alert, traffic: Traffic) -> None:
        self.say("\n4. Cycle 2: the alert proposes; plain retrain and repaired candidates are judged")
        client = self.client(SCIENTIST)
        cycle = self.cycle_of(alert)
        waiting = self.follow(client, cycle, expect=(Stage.APPROVE,))
        manager = self.client(MANAGER)
        request = manager.approvals.list(cycle_id=cycle.id, decision="waiting")[0]
        reason = "The gap is inside the policy and the loss of quality is small."
        manager.approvals.decide(request.id, approve=True, reason=reason)
        self.say(f"   approved by {MANAGER} (the demo acts as her; identities are unverified in local mode): {reason}")
        self.wait_for_canary(client, cycle)
        traffic.send_until(lambda: client.cycles.get(cycle.id).stage.final, most=CANARY_ROWS)
        done = self.follow(client, waiting, expect=(Stage.LIVE,), quiet_until="roll_out")
        self.report(client, done)

    # ------------------------------------------------------------------ cycle 3
    def shift(self, held_out: Table) -> None:
        """The mix of people changes; the watch finds it; the third turn waits for the visitor."""
        from fairloop.cli.demo.traffic import Traffic, shifted

        self.say(
            f"\n5. The mix of people shifts: {SHIFTED_ROWS:,} real rows resampled, over 40 with long hours five times as often"
        )
        moved = Traffic(self.client(), LOOP, shifted(held_out, SHIFTED_ROWS, seed=5))
        try:
            moved.send(SHIFTED_ROWS)
        finally:
            moved.close()
        alert = self.watch_until_alert("drift")
        self.say(f"   ALERT  {alert.words}")
        self.say("\n6. Cycle 3: retrained on the new mix, judged, and waiting for you")
        client = self.client(SCIENTIST)
        waiting = self.follow(client, self.cycle_of(alert), expect=(Stage.APPROVE,))
        self.report(client, waiting)

    def judged_windows(self) -> list[Any]:
        """Every window of live traffic with its verdicts, oldest first."""
        client = self.client()
        windows = client.monitors.windows(client.monitors.list()[0].id).items
        return [to_wire(window) for window in reversed(windows)]

    # ------------------------------------------------------------------ waiting for things
    def watch_until_alert(self, metric: str, timeout_s: float = 90.0) -> Alert:
        """Let the monitor look now and until the check on ``metric`` has raised its alert."""
        client, end = self.client(), time.monotonic() + timeout_s
        monitor = client.monitors.list()[0]
        while time.monotonic() < end:
            client.monitors.judge_now(monitor.id, timeout_s=timeout_s)
            for alert in client.alerts.list(state="open").items:
                if alert.verdict.check.metric == metric:
                    return alert
        raise Unavailable(f"The watch raised no alert on {metric} within {timeout_s:.0f} s; look at {self.url}/alerts.")

    def wait_for_canary(self, client: Client, cycle: Cycle, timeout_s: float = 60.0) -> None:
        """Until the new version answers beside the old one."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            rollout_id = client.cycles.get(cycle.id).rollout_id
            if rollout_id and client.endpoints.rollout(rollout_id).state == "running":
                return
            time.sleep(0.2)
        raise Unavailable(f"The canary did not begin within {timeout_s:.0f} s; look at {self.url}.")

    def cycle_of(self, alert: Alert, timeout_s: float = 30.0) -> Cycle:
        client, end = self.client(), time.monotonic() + timeout_s
        while time.monotonic() < end:
            if cycle_id := client.alerts.get(alert.id).cycle_id:
                return client.cycles.get(cycle_id)
            open_ones = [c for c in client.cycles.list(LOOP) if not c.stage.final]
            if open_ones:
                return open_ones[0]
            time.sleep(0.2)
        raise Unavailable("The alert started no cycle; look at the server's log.")

    def follow(self, client: Client, cycle: Cycle, *, expect: tuple[Stage, ...], quiet_until: str = "") -> Cycle:
        speaking = not quiet_until

        def heard(event: CycleEvent) -> None:
            nonlocal speaking
            speaking = speaking or event.kind == quiet_until
            if speaking:
                self.say(f"   {event.kind.replace('_', ' '):<18} {event.text}")
                for line in table_of(event):
                    self.say(f"   {'':<18} {line}")

        done = client.cycles.follow(cycle.id, heard, until=expect, timeout_s=240)
        if done.stage not in expect:
            raise FairloopError(f"Cycle {done.number} ended {done.stage}: {done.words}")
        return done

    def report(self, client: Client, cycle: Cycle) -> None:
        self.told["cycles"].append(cycle_report(client, cycle))


def table_of(event: CycleEvent) -> list[str]:
    """The frontier as lines: one a candidate, quality against both criteria."""
    points = event.data.get("frontier", [])
    if len(points) < 2:
        return []
    lines = []
    for point in points:
        numbers = [n for n in (point["quality"], *point["criteria"]) if n["estimate"] is not None]
        told = "  ".join(f"{n['metric'].replace('_', ' ')} {n['estimate']:.3f}" for n in numbers)
        lines.append(f"{point['name']:<32} {told}  {point['state']}")
    return lines


def census(loop: Loop) -> Table:
    """The shipped census rows under the loop's roles."""
    from fairloop.core.datasets import Roles
    from fairloop.tables.table import Table

    data = loop.definition.data
    roles = Roles(target=data.target, positive=data.positive, sensitive=data.sensitive, ignore=["part", "fnlwgt"])
    sample = resources.files("fairloop.datasets") / "samples" / "adult.parquet"
    with resources.as_file(sample) as path:
        return Table.from_file(path, roles)
