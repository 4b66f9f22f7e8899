"""Money and positions as JoinQuant's context shows them. Python 3.6 syntax."""


class Position:
    """One security in one sub-portfolio."""

    def __init__(self, security, pindex=0):
        self.security = security
        self.pindex = pindex
        self.side = "long"
        self.total_amount = 0  # what resting orders have locked is left out
        self.locked_amount = 0
        self.closeable_amount = 0
        self.today_amount = 0
        self.avg_cost = 0.0
        self.price = 0.0

    @property
    def value(self):
        return (self.total_amount + self.locked_amount) * self.price


class Positions(dict):
    """By code; asked for one that is not held, it gives an empty position and keeps none."""

    def __missing__(self, security):
        return Position(security)


class SubPortfolioConfig:
    def __init__(self, cash, type="stock"):  # noqa: A002 - JoinQuant's name
        self.cash = cash
        self.type = type


class SubPortfolio:
    """One account of the strategy."""

    def __init__(self, cash, type="stock"):  # noqa: A002 - JoinQuant's name
        self.type = type
        self.starting_cash = self.inout_cash = cash
        self.available_cash = cash
        self.locked_cash = 0.0
        self.long_positions = Positions()
        self.short_positions = Positions()

    @property
    def positions(self):
        return self.long_positions

    @property
    def positions_value(self):
        return sum(position.value for position in self.long_positions.values())

    @property
    def total_value(self):
        return self.available_cash + self.locked_cash + self.positions_value


class Portfolio:
    """All sub-portfolios together; of a single one, that one's own positions."""

    def __init__(self, subportfolios):
        self._parts = subportfolios

    available_cash = property(lambda self: sum(part.available_cash for part in self._parts))
    locked_cash = property(lambda self: sum(part.locked_cash for part in self._parts))
    starting_cash = property(lambda self: sum(part.starting_cash for part in self._parts))
    positions_value = property(lambda self: sum(part.positions_value for part in self._parts))
    total_value = property(lambda self: sum(part.total_value for part in self._parts))
    positions = property(lambda self: self.long_positions)

    @property
    def long_positions(self):
        if len(self._parts) == 1:
            return self._parts[0].long_positions
        summed = Positions()
        for part in self._parts:
            for security, position in part.long_positions.items():
                whole = summed.setdefault(security, Position(security))
                for name in ("total_amount", "locked_amount", "closeable_amount", "today_amount"):
                    setattr(whole, name, getattr(whole, name) + getattr(position, name))
                whole.price, whole.avg_cost = position.price, position.avg_cost
        return summed


class RunParams:
    def __init__(self, run_type, frequency):
        self.type = run_type
        self.frequency = frequency


class Context:
    """What every function of a strategy is given."""

    def __init__(self, run_type, frequency, cash, current_dt):
        self.run_params = RunParams(run_type, frequency)
        self.current_dt = current_dt
        self.divide([SubPortfolioConfig(cash)])

    def divide(self, configs):
        self.subportfolios = [SubPortfolio(config.cash, config.type) for config in configs]
        self.portfolio = Portfolio(self.subportfolios)

    def held(self, security, pindex=0):
        position = self.subportfolios[pindex].long_positions.get(security)
        return position.total_amount + position.locked_amount if position else 0
