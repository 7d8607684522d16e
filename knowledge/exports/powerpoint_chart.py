"""A metric as a chart that PowerPoint knows: its numbers can be read and changed there. Plain Python."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pptx.chart.data import XyChartData
from pptx.dml.color import RGBColor
from pptx.enum.chart import XL_CHART_TYPE, XL_LEGEND_POSITION, XL_MARKER_STYLE
from pptx.enum.dml import MSO_LINE
from pptx.util import Emu, Pt

from incidents.drawing import TICKS
from knowledge.exports.document import Chart
from knowledge.exports.powerpoint_theme import PX

COLOURS = ("3353BF", "7C93DD", "0F766E", "A3387F", "8A5A00")
BAD, GOOD, QUIET = "B42318", "0F7346", "626C7B"
_SIZES = (("TiB", 2.0**40), ("GiB", 2.0**30), ("MiB", 2.0**20), ("KiB", 2.0**10))
_EPOCH = datetime(1899, 12, 30, tzinfo=UTC)


def add_chart(slide: Any, chart: Chart, box: tuple[float, float, float, float], alt: str) -> None:
    """`box` in pixels: left, top, width, height."""
    chart, zone = _readable(chart), ZoneInfo(chart.zone)
    times = [at for line in chart.lines for at, _ in line.points]
    start, end = min(times), max(times)
    values = [value for line in chart.lines for _, value in line.points if value is not None]
    low, high = min([0.0, *values]), max([*values, chart.baseline or 0.0], default=1.0)
    top = high * 1.08 if high > low else low + 1
    data = XyChartData(number_format="General")
    for place, line in enumerate(chart.lines):
        series = data.add_series(line.name or ("Value" if not place else f"Series {place + 1}"))
        for at, value in line.points:
            # None is a gap, in the drawing and in its sheet.
            series.add_data_point(_serial(at, zone), value)
    marks = _marks(chart, start, end, low, top)
    for name, points, _ in marks:
        series = data.add_series(name)
        for at, value in points:
            series.add_data_point(_serial(at, zone), value)
    placed = slide.shapes.add_chart(
        XL_CHART_TYPE.XY_SCATTER_LINES_NO_MARKERS, *(Emu(round(one * PX)) for one in box), data
    )
    placed._element.nvGraphicFramePr.cNvPr.set("descr", alt)
    _style(placed.chart, chart, [mark[2] for mark in marks])
    _axes(placed.chart, (_serial(start, zone), _serial(end, zone)), (low, top), chart.unit, end - start)


def _readable(chart: Chart) -> Chart:
    """Bytes in the unit that their size asks for."""
    if chart.unit != "bytes":
        return chart
    most = max((abs(value) for line in chart.lines for _, value in line.points if value is not None), default=0.0)
    unit, size = next(((name, size) for name, size in _SIZES if most >= size), ("B", 1.0))
    lines = tuple(
        replace(line, points=tuple((at, None if value is None else value / size) for at, value in line.points))
        for line in chart.lines
    )
    return replace(chart, unit=unit, lines=lines, baseline=None if chart.baseline is None else chart.baseline / size)


def _serial(at: float, zone: ZoneInfo) -> float:
    """Days as spreadsheets count them, in the reader's zone."""
    local = datetime.fromtimestamp(at, zone).replace(tzinfo=UTC)
    return (local - _EPOCH) / timedelta(days=1)


def _marks(
    chart: Chart, start: float, end: float, low: float, top: float
) -> list[tuple[str, list[tuple[float, float]], tuple[str, Any]]]:
    """Lines that are no series: the median before, where the incident begins and ends."""
    found: list[tuple[str, list[tuple[float, float]], tuple[str, Any]]] = []
    if chart.baseline is not None:
        found.append(("Median before", [(start, chart.baseline), (end, chart.baseline)], (QUIET, MSO_LINE.SQUARE_DOT)))
    for name, at, colour in (("Impact begins", chart.band[0], BAD), ("Impact ends", chart.band[1], GOOD)):
        if at is not None:
            found.append((name, [(at, low), (at, top)], (colour, MSO_LINE.DASH)))
    return found


def _style(drawn: Any, chart: Chart, marks: list[tuple[str, Any]]) -> None:
    drawn.font.size, drawn.font.color.rgb = Pt(11), RGBColor.from_string("4A5464")
    drawn.has_title = False
    drawn.has_legend = len(chart.lines) + len(marks) > 1
    if drawn.has_legend:
        drawn.legend.position, drawn.legend.include_in_layout = XL_LEGEND_POSITION.BOTTOM, False
    for place, series in enumerate(drawn.plots[0].series):
        own = place < len(chart.lines)
        colour, dash = (COLOURS[place % len(COLOURS)], None) if own else marks[place - len(chart.lines)]
        series.smooth = False
        series.marker.style = XL_MARKER_STYLE.NONE
        series.format.line.color.rgb = RGBColor.from_string(colour)
        series.format.line.width = Pt(2.25 if own else 1.25)
        if dash is not None:
            series.format.line.dash_style = dash


def _axes(drawn: Any, times: tuple[float, float], values: tuple[float, float], unit: str, length: float) -> None:
    across, up = drawn.category_axis, drawn.value_axis
    across.minimum_scale, across.maximum_scale = times
    up.minimum_scale, up.maximum_scale = values
    step = next((one for one in TICKS if length / one <= 8), length / 8)
    across.major_unit = step / 86_400
    across.tick_labels.number_format = "d mmm" if step >= 86_400 else "hh:mm:ss" if step < 60 else "hh:mm"
    up.tick_labels.number_format = f'#,##0.##" {unit}"' if unit else "General"
    across.tick_labels.number_format_is_linked = up.tick_labels.number_format_is_linked = False
    across.has_major_gridlines, up.has_major_gridlines = False, True
    up.major_gridlines.format.line.color.rgb = RGBColor.from_string("E3E6EB")
    for axis in (across, up):
        axis.format.line.color.rgb = RGBColor.from_string("C6CCD6")
