// Draws what the server has prepared in `data-plot`, in the colours of the page.
"use strict";

(() => {
    const drawn = new Map();
    const dark = matchMedia("(prefers-color-scheme: dark)");

    const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

    const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
    const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
    const money = new Intl.NumberFormat("en", { style: "currency", currency: "USD" });

    const written = (unit, style) => (value) => {
        if (value === null || value === undefined || Number.isNaN(value)) return "-";
        if (unit === "usd") return Math.abs(value) < 1000 || style === "long" ? money.format(value) : `$${short.format(value)}`;
        if (unit === "percent") return `${whole.format(value)} %`;
        return style === "long" ? whole.format(value) : short.format(value);
    };

    const axis = (data, formatter) => ({
        type: "category",
        data,
        axisLabel: { color: colour("soft"), hideOverlap: true, formatter, width: 140, overflow: "truncate" },
        axisLine: { lineStyle: { color: colour("line") } },
        axisTick: { show: false },
    });

    const values = (unit) => ({
        type: "value",
        axisLabel: { color: colour("soft"), formatter: written(unit, "short") },
        splitLine: { lineStyle: { color: colour("line") } },
    });

    const common = (plot) => ({
        animation: false,
        color: [1, 2, 3, 4, 5, 6, 7, 8].map((number) => colour(`chart-${number}`)),
        textStyle: { fontFamily: "system-ui, sans-serif" },
        grid: { left: 8, right: 12, top: plot.series?.length > 1 ? 40 : 14, bottom: 6, containLabel: true },
        tooltip: {
            renderMode: "richText",
            confine: true,
            backgroundColor: colour("surface"),
            borderColor: colour("line"),
            textStyle: { color: colour("text") },
        },
    });

    const withoutYear = (label) => (/^\d{4}-\d\d-\d\d$/.test(label) ? label.slice(5) : label);

    const series = (plot, isSmall) => ({
        ...common(plot),
        tooltip: { ...common(plot).tooltip, trigger: "axis", valueFormatter: written(plot.unit, "long") },
        legend: plot.series.length > 1 ? { type: "scroll", top: 0, textStyle: { color: colour("text") } } : undefined,
        xAxis: axis(plot.x, isSmall ? withoutYear : undefined),
        yAxis: values(plot.unit),
        series: plot.series.map((one) => ({
            name: one.name,
            type: plot.kind === "line" ? "line" : "bar",
            stack: plot.kind === "stacked_bars" ? "all" : undefined,
            symbolSize: 5,
            barMaxWidth: 46,
            data: one.values,
        })),
    });

    const heat = (plot) => {
        const shades = plot.fields.map((field) => field[2]);
        return {
            ...common(plot),
            grid: { left: 8, right: 12, top: 10, bottom: 50, containLabel: true },
            xAxis: axis(plot.x),
            yAxis: axis(plot.y),
            visualMap: {
                min: Math.min(0, ...shades),
                max: Math.max(1, ...shades),
                orient: "horizontal",
                left: "center",
                bottom: 0,
                calculable: false,
                textStyle: { color: colour("soft") },
                formatter: written(plot.unit, "short"),
                inRange: { color: [colour("sunken"), colour("chart-1")] },
            },
            series: [{ type: "heatmap", name: plot.series[0].name, data: plot.fields }],
        };
    };

    const draw = (place) => {
        const plot = JSON.parse(place.dataset.plot);
        const chart = drawn.get(place) ?? echarts.init(place, null, { renderer: "canvas" });
        chart.setOption(plot.kind === "heat_map" ? heat(plot) : series(plot, place.classList.contains("small")), true);
        drawn.set(place, chart);
        place.dataset.drawn = "";
    };

    const drawNew = () => {
        for (const [place, chart] of drawn) {
            if (place.isConnected) continue;
            chart.dispose();
            drawn.delete(place);
        }
        document.querySelectorAll("[data-plot]:not([data-drawn])").forEach(draw);
    };

    const size = new ResizeObserver((entries) => entries.forEach((entry) => drawn.get(entry.target)?.resize()));
    const watch = () => {
        drawNew();
        drawn.forEach((_, place) => size.observe(place));
    };

    dark.addEventListener("change", () => drawn.forEach((_, place) => draw(place)));
    document.addEventListener("htmx:after:swap", watch);
    watch();
})();
