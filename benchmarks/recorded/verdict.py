"""The best trained model of films in chapter 09 against counted transitions, for five seeds.

python benchmarks/recorded/verdict.py seeds      # 8 minutes
"""

from __future__ import annotations

import sys

from record import record_claims

from recbook.data import load_movielens
from recbook.evaluation.protocols import evaluate, movielens_task
from recbook.models import ItemTransitions
from recbook.models.deep.gru4rec import GRU4Rec
from recbook.models.deep.lightgcn import LightGCN
from recbook.models.deep.mult_vae import MultVAE
from recbook.models.deep.sasrec import SASRec

GRAPH = {"half_life_events": 20, "learning_rate": 0.03, "init_scale": 0.01}
AUTOENCODER = {"beta": 0.2, "half_life_events": 40, "batch_size": 256, "learning_rate": 0.005}


def seeds() -> None:
    """Record the largest lead of the five over the transitions, with the chapter's settings."""
    task = movielens_task(load_movielens().interactions())
    known = task.fit_on()
    chain = evaluate(ItemTransitions().fit(known), task).ndcg.mean()
    leads = []
    for seed in range(5):
        models = {
            "GRU4Rec": GRU4Rec(32, 30, epochs=7, rng=seed),
            "SASRec": SASRec(32, 30, n_layers=1, epochs=5, rng=seed),
            "LightGCN": LightGCN(64, 1, epochs=110, weight_decay=2, rng=seed, **GRAPH),
            "LightGCN, no layers": LightGCN(64, 0, epochs=100, weight_decay=4, rng=seed, **GRAPH),
            "Mult-VAE": MultVAE(64, 200, epochs=40, rng=seed, **AUTOENCODER),
        }
        lead = {n: evaluate(m.fit(known), task).ndcg.mean() - chain for n, m in models.items()}
        print(seed, {name: round(value, 4) for name, value in lead.items()}, flush=True)
        leads.append(max(lead.values()))
    record_claims("verdict", {"09-no-deep-model-passes-the-chain": leads})


if __name__ == "__main__":
    if sys.argv[1:] != ["seeds"]:
        sys.exit("say which: seeds")
    seeds()
