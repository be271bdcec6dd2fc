"""recbook: the package behind the book on search and recommendation by model fusion.

The parts, in the order data flows through them:

- `recbook.data`: data sets, the `Interactions` table, splits;
- `recbook.models`: recommenders and rating predictors;
- `recbook.fusion`: several models made into one;
- `recbook.evaluation`: metrics, protocols and statistics;
- `recbook.search`: words, a text index, and the searches of a shop's customers;
- `recbook.scale`: the same models on Spark; `recbook.serve`: a live recommender and its service;
- `recbook.project`: the whole way from a table to lists; `python -m recbook recommend` runs it;
- `recbook.book`: claims, figures and exercises, for chapters only.

Importing `recbook` imports none of them.
"""

__version__ = "0.1.0"
