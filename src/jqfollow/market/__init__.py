"""The exchanges' rules, dated and pure: what a code names, how much, at which price, when, and at what cost.

`securities` codes · `lots` quantities · `prices` ticks, limits, cage · `sessions` hours · `calendar` days ·
`settlement` T+0 and T+1 · `fees` costs. Where the broker's own data gives a number, it wins over the tables here.
"""
