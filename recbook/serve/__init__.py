"""A recommender that learns from each event as it comes, and the service around it.

The HTTP application is in `recbook.serve.app`; it needs the extra `recbook[serve]`.
"""

from recbook.serve.decay import ForwardDecay
from recbook.serve.event import KINDS, Event
from recbook.serve.events import Appended, EventLog
from recbook.serve.faults import EventConflict, EventLogError
from recbook.serve.live import LiveRecommender, Recommendation
from recbook.serve.weights import ItemWeights

__all__ = [
    "KINDS",
    "Appended",
    "Event",
    "EventConflict",
    "EventLog",
    "EventLogError",
    "ForwardDecay",
    "ItemWeights",
    "LiveRecommender",
    "Recommendation",
]
