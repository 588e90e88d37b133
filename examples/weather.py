#!/usr/bin/env python3
"""Draw the year's temperature and rain of one city, from the table beside this script."""

# /// script
# requires-python = ">=3.9"
#
# [tool.pannier]
# include = ["weather.csv"]
# ///

import argparse
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd

mpl.use("Agg")
import matplotlib.pyplot as plt  # the back end has to be chosen first

TABLE = Path(__file__).with_name("weather.csv")
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def read_city(city: str) -> pd.DataFrame:
    """The twelve rows of one city; ends the program when there are none."""
    table = pd.read_csv(TABLE)
    rows = table[table["city"].str.casefold() == city.casefold()].sort_values("month")
    if rows.empty:
        raise SystemExit(f"weather: no city `{city}`; there are {', '.join(sorted(table['city'].unique()))}")
    return rows


def smooth(values: np.ndarray, points: int = 240) -> tuple[np.ndarray, np.ndarray]:
    """A periodic curve through twelve monthly values, by their Fourier series."""
    coefficients = np.fft.rfft(values) / len(values)
    months = np.linspace(0, 12, points)
    waves = np.exp(2j * np.pi * np.outer(months / 12, np.arange(len(coefficients))))
    weights = np.r_[1.0, np.full(len(coefficients) - 2, 2.0), 1.0]
    return months, (waves * coefficients * weights).sum(axis=1).real


def draw(rows: pd.DataFrame, city: str, output: Path) -> None:
    """Write the picture."""
    figure, axis = plt.subplots(figsize=(8, 4.5), layout="constrained")
    axis.bar(rows["month"] - 1, rows["rain"], color="#9ecae1", label="rain (mm)")
    axis.set(title=f"{city}: temperature and rain", ylabel="rain (mm)", xticks=range(12), xticklabels=MONTHS)
    warmth = axis.twinx()
    warmth.plot(*smooth(rows["temperature"].to_numpy()), color="#d7301f", label="temperature (°C)")
    warmth.set_ylabel("temperature (°C)")
    figure.savefig(output, dpi=120)


def main() -> None:
    """Parse the command line, draw, and say where the picture is."""
    parser = argparse.ArgumentParser(prog="weather", description=__doc__)
    parser.add_argument("--city", default="Bern", help="one of the table's cities (default: %(default)s)")
    parser.add_argument("-o", "--output", type=Path, help="where the picture goes (default: CITY.png)")
    arguments = parser.parse_args()
    rows = read_city(arguments.city)
    city = rows["city"].iloc[0]
    output = arguments.output or Path(f"{city.lower()}.png")
    draw(rows, city, output)
    warmest = MONTHS[int(rows["temperature"].to_numpy().argmax())]
    mean = rows["temperature"].mean()
    print(f"{city}: {mean:.1f} °C over the year, warmest in {warmest}; picture in {output}")


if __name__ == "__main__":
    main()
