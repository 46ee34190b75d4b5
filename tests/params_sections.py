"""Sections of params.yaml that are no stage's, and their types."""

from flows.params import FlywheelParams
from flows.services.params import NotificationsParams
from serving.params import ServingParams
from tasks.gate.params import GateParams
from tasks.ingest_feedback.params import IngestFeedbackParams
from tasks.monitor.params import MonitorParams
from tasks.params import Params
from tasks.plan.params import PlanParams
from tasks.privacy import PrivacyParams
from tasks.release.params import ReleaseParams
from tasks.retrain_policy.params import RetrainPolicyParams
from tasks.sweep.params import SweepParams
from tasks.tracking.params import TrackingParams

FLOWS: dict[str, type[Params]] = {
    "flywheel": FlywheelParams,
    "notifications": NotificationsParams,
}

ACTIONS: dict[str, type[Params]] = {
    "plan": PlanParams, "sweep": SweepParams, "gate": GateParams, "release": ReleaseParams,
    "retrain_policy": RetrainPolicyParams,
    "ingest_feedback": IngestFeedbackParams,
    "monitor": MonitorParams,
}  # fmt: skip

SHARED: dict[str, type[Params]] = {"tracking": TrackingParams, "privacy": PrivacyParams}

LIVE: dict[str, type[Params]] = {"serving": ServingParams}
SECTIONS = {**FLOWS, **ACTIONS, **SHARED, **LIVE}
