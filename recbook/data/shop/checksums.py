"""Checksums of the committed instance; written by `python -m recbook.data.shop`."""

SHA256: dict[str, str] = {
    "events.csv": "750e83fb781fa61a6f96e171eb98568f3923a7809d62ab3be4c960128c7aec1c",
    "friends.csv": "3028af5ff1b3539346f3e38cd1486f6ba9c990256d5b935532262e73616f9728",
    "items.csv": "5d6979ff20493a40a7dff685489949bb492e21e7b6bf93604501f6c9b23185fb",
    "offers.csv": "be17a484ce8c5a1836dbe21c6fb3ab2f1953849c0b88bd460027f2b5882b5378",
    "queries.csv": "3a6db992fa40a4e621c1b1302f4eac9f9a3e19d45b25879b9654a5b72b92602d",
    "ratings.csv": "7f366f4c1745756aab37d53484a3e75a967a1745a41943af472dadfc3dd0b3eb",
    "sessions.csv": "0719a48e11d5407f9cbb306adc0795cb266954710d9a022b312e7a667758e72c",
    "shop.json": "7f3e1519d595383a4cb56849b94840ec402077bf77b7a7c11d69d5b951c0dad8",
    "truth_effects.csv": "bbce6f64fe44e1d493a2c7e2a2b75356a4eb4d8086084ae63ba1272fd5e0c4f1",
    "truth_faults.csv": "ce81eb0fd71c6788d7816be5f5b81fddbc3e1fa1b865d159b36201a1f3a8784d",
    "truth_items.csv": "932a924edd56dc10dd9a5d9b2b8ad4b7e2518d20302296475e346ddfc291f370",
    "truth_rules.csv": "8fc3d0f83b7252deac62cd58ff7e86d613c2278521c906cd857f40c43a85f25e",
    "truth_transitions.csv": "0939bdba7df2a93a695d51af17a3d533503d89fadd538dcdf6e2cf18738fbfaf",
    "truth_users.csv": "7b5bbfdcc5e8a896a172fad6a6fa931efdda78d25d4c2dd73fc2c9bb4bc351f0",
    "users.csv": "6fd4bf31b5626271d5f12bce2599aee7a353bc41a6f7ff0e62c5b66f1072da68",
    "weeks.csv": "8814191404f0f1c332f2b60f1cd48a05aeb31f7284ae75d92129247f6a397a77",
}
