"""Moving averages of a price, as one wrote them with the pandas of 2014."""

from __future__ import print_function

import numpy as np
import pandas as pd

days = pd.date_range("2014-01-01", periods=250, freq="B")
price = pd.Series(100 + np.sin(np.arange(250) / 20.0), index=days)

frame = pd.DataFrame({"price": price})
frame["month"] = pd.rolling_mean(price, 20)
frame["weighted"] = pd.ewma(price, span=20)
above = frame.ix[frame.price > frame.month]
panel = pd.Panel({"all": frame, "above": above})
print("%d of %d days above the month" % (len(above), panel.shape[1]))
