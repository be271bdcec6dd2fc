"""How good a recommender is, how sure that is, and what accuracy does not see.

- `rating`: RMSE, MAE; `ranking`: precision, recall, F1, hit rate, MAP, MRR, NDCG;
- `beyond`: coverage, Gini, intra-list diversity, novelty; `diversity`: by mutual information,
  Jaccard and category, serendipity;
- `experiments`: A/B tests, sample size, CUPED; `exposure`: inverse-propensity estimates;
- `statistics`, `corrections`: intervals, tests, corrections for several comparisons;
- `compare`: better, worse, or cannot tell;
- `protocols`, `tasks`: the folds and tasks that every chapter uses, `evaluate` and `leaderboard`.

The functions are imported from these modules; importing `recbook.evaluation` imports none of them.
"""
