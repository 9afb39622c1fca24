"""The composition root: every service, built once, with its collaborators."""

from __future__ import annotations

from dataclasses import dataclass

from fairloop.access.audit import Audit
from fairloop.access.identities import Identities
from fairloop.access.invitations import Invitations
from fairloop.access.people import People
from fairloop.access.sessions import Sessions
from fairloop.access.signing import SigningKeys
from fairloop.access.tokens import Tokens
from fairloop.artifacts.local import LocalStore
from fairloop.client.outbound import Outbound
from fairloop.core.clock import Clock
from fairloop.core.signals import Signals
from fairloop.costs.prices import load_prices
from fairloop.datasets.service import Datasets
from fairloop.evaluation.analyses import Analyses
from fairloop.evaluation.service import Evaluations
from fairloop.evidence.gather import Gatherer
from fairloop.evidence.service import Evidence
from fairloop.labeling.answers import Answers
from fairloop.labeling.service import Labeling
from fairloop.loops.driver import Driver
from fairloop.loops.lineage import Lineage
from fairloop.loops.proposals import Proposals
from fairloop.loops.release import Release
from fairloop.loops.service import Loops
from fairloop.monitoring.appeal_alerts import AppealAlerts
from fairloop.monitoring.appeals import Appeals
from fairloop.monitoring.service import Monitoring
from fairloop.monitoring.ticker import Watcher
from fairloop.notices.channels import Channels
from fairloop.notices.delivery import Deliverer
from fairloop.notices.outbox import Notices
from fairloop.pipelines.runners.local import LocalRunner
from fairloop.pipelines.scheduler import Scheduler
from fairloop.pipelines.schedules import Schedules
from fairloop.pipelines.service import Pipelines
from fairloop.pipelines.waiting import Waiters
from fairloop.pipelines.work import Work
from fairloop.projects.discussion import Discussion
from fairloop.projects.files import Files
from fairloop.projects.service import Projects
from fairloop.registry.service import Registry
from fairloop.server.idempotency import Idempotency
from fairloop.server.subjects import Subjects
from fairloop.server.voices import Around, build_voices
from fairloop.serving.allowed import PredictTokens
from fairloop.serving.service import Serving
from fairloop.settings import Settings
from fairloop.storage.engine import Database, open_database
from fairloop.storage.migrate import migrate
from fairloop.tracking.service import Tracking


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    settings: Settings
    clock: Clock
    signals: Signals
    database: Database
    audit: Audit
    people: People
    tokens: Tokens
    sessions: Sessions
    identities: Identities
    projects: Projects
    files: Files
    datasets: Datasets
    tracking: Tracking
    registry: Registry
    evaluations: Evaluations
    analyses: Analyses
    labeling: Labeling
    answers: Answers
    notices: Notices
    channels: Channels
    deliverer: Deliverer
    waiters: Waiters
    pipelines: Pipelines
    work: Work
    runner: LocalRunner
    scheduler: Scheduler
    schedules: Schedules
    loops: Loops
    driver: Driver
    proposals: Proposals
    lineage: Lineage
    evidence: Evidence
    serving: Serving
    monitoring: Monitoring
    watcher: Watcher
    idempotency: Idempotency
    subjects: Subjects
    discussion: Discussion
    invitations: Invitations
    appeals: Appeals
    appeal_alerts: AppealAlerts

    def close(self) -> None:
        self.serving.close()
        self.deliverer.close()
        self.database.close()


def build_services(settings: Settings, clock: Clock | None = None) -> Services:
    """All services over the database and folders of ``settings``, migrated to this version."""
    clock = clock or Clock()
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    database = open_database(settings.database_url)
    migrate(database)
    audit = Audit(database, clock)
    people, tokens, sessions = People(database, clock, audit), Tokens(database, clock, audit), Sessions(database, clock)
    projects = Projects(database, clock)
    projects.ensure_default()
    files = Files(database, LocalStore(settings.data / "artifacts"), clock)
    tracking = Tracking(database, clock, files, lease_s=settings.run_lease_s)
    registry = Registry(database, clock, files)
    datasets = Datasets(database, clock, files)
    signals, waiters = Signals(), Waiters()
    notices, outbound = Notices(database, clock), Outbound(settings.outbound_allow)
    channels = Channels(database, clock, audit, settings, outbound)
    deliverer = Deliverer(database, clock, signals, settings, channels, outbound)
    pipelines = Pipelines(database, clock, signals, waiters)
    prices = load_prices(settings.price_book)
    work = Work(database, clock, pipelines, tracking, prices, settings.lease_s)
    runner = LocalRunner(settings, tokens.worker_token, waiters)
    scheduler = Scheduler(database, clock, projects, pipelines, work, runner, settings.lease_s)
    serving = Serving(database, clock, files, signals, folder=settings.data / "endpoints",
                      hashes=PredictTokens(people, tokens, secured=settings.auth))  # fmt: skip
    evaluations = Evaluations(database, clock)
    monitoring = Monitoring(
        database, clock, signals, audit, registry, evaluations, lambda e: serving.unit(e).folder.path
    )
    loops = Loops(database, clock, signals, audit, notices)
    serving.permit, registry.permit_alias = loops.policies.permit, loops.policies.permit_alias
    release = Release(loops, registry, serving, monitoring, files)
    analyses = Analyses(database, clock, pipelines)
    driver = Driver(
        clock, loops, pipelines, evaluations, release, analyses, lambda e: str(monitoring.endpoint_folder(e)), prices
    )
    lineage = Lineage(loops, registry, serving, monitoring, pipelines, evaluations, datasets)
    around = Around(database=database, clock=clock, signals=signals, audit=audit, people=people, projects=projects, notices=notices,
                    registry=registry, serving=serving, monitoring=monitoring, pipelines=pipelines)  # fmt: skip
    subjects = Subjects(loops=loops, registry=registry, tracking=tracking, datasets=datasets, monitoring=monitoring)
    voices = build_voices(around, subjects, secured=settings.auth)
    gatherer = Gatherer(lineage, files, audit, analyses=analyses, appeals=voices.appeals)
    evidence = Evidence(
        database, clock, files, audit, projects, gatherer, SigningKeys(settings.data / "signing", clock)
    )
    release.on_live = evidence.went_live
    return Services(labeling=Labeling(database, clock, audit, files, datasets, analyses), answers=Answers(database, clock, audit),
                    evidence=evidence, subjects=subjects, discussion=voices.discussion, invitations=voices.invitations, appeals=voices.appeals,
                    appeal_alerts=voices.appeal_alerts, analyses=analyses, notices=notices, channels=channels, deliverer=deliverer, idempotency=Idempotency(database, clock), monitoring=monitoring, watcher=Watcher(clock, monitoring, pipelines),
                    serving=serving, settings=settings, clock=clock, signals=signals, database=database, audit=audit, people=people,
                    tokens=tokens, sessions=sessions, identities=Identities(people, tokens, sessions, clock),
                    projects=projects, files=files, datasets=datasets, tracking=tracking, registry=registry, evaluations=evaluations,
                    waiters=waiters, pipelines=pipelines, work=work, runner=runner, scheduler=scheduler,
                    schedules=Schedules(database, clock, pipelines, interval_s=settings.monitor_tick_s),
                    loops=loops, driver=driver, proposals=Proposals(loops, monitoring, datasets), lineage=lineage)  # fmt: skip
