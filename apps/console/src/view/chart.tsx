import { raw } from "hono/html";
import type { Child } from "hono/jsx";
import type { Html } from "../form.ts";

// Charts are drawn here, on the server, as SVG without a script or a style of their own. The library is loaded when the first
// one is drawn.

export interface Series {
  readonly name: string;
  readonly kind: "bar" | "line" | "area" | "steps";
  /** Of the palette, 1 to 6: the same thing has the same colour in every picture. */
  readonly colour: 1 | 2 | 3 | 4 | 5 | 6;
  /** Where there is none: `undefined`. */
  readonly values: readonly (number | undefined)[];
  /** Series of the same stack stand on each other. */
  readonly stack?: string;
  readonly dashed?: boolean;
  /** Which scale it is read from. Default: the left one. */
  readonly axis?: "left" | "right";
}

export interface ChartSpec {
  /** What it shows, in one sentence, for those who do not see it. */
  readonly description: string;
  /** Along the axis, one for each value. */
  readonly labels: readonly string[];
  readonly series: readonly Series[];
}

/** Drawn with these, which nothing else has, and then replaced by the colours of the page, which follow the system's choice. */
const INK = { text: "#010203", line: "#010204", ground: "#010205" } as const;
const colourOf = (n: Series["colour"]): string => `#0a0b0${n}`;
const PAGE_COLOURS: readonly (readonly [RegExp, string])[] = [
  [/#010203|rgb\(1,2,3\)/gu, "var(--soft)"],
  [/#010204|rgb\(1,2,4\)/gu, "var(--line)"],
  [/#010205|rgb\(1,2,5\)/gu, "var(--card)"],
  [/#0a0b0(\d)/gu, "var(--chart-$1)"],
];

const SIZES = {
  wide: { width: 860, height: 240 },
  narrow: { width: 350, height: 220 },
} as const;

/** `1.2M`, `250k`: an axis is for a glance, the table behind it for reading. */
export function shortNumber(value: number): string {
  const size = Math.abs(value);
  const cut = (divided: number): string => String(Number(divided.toFixed(divided < 10 ? 1 : 0)));
  if (size >= 1e9) return `${cut(value / 1e9)}B`;
  if (size >= 1e6) return `${cut(value / 1e6)}M`;
  return size >= 1e3 ? `${cut(value / 1e3)}k` : cut(value);
}

/** In two sizes: on a phone a wide picture would have letters too small to read. */
export async function drawChart(spec: ChartSpec): Promise<Html> {
  const [wide, narrow] = await Promise.all([draw(spec, "wide"), draw(spec, "narrow")]);
  const { description, series } = spec;
  const label = escaped(description);
  const names = series.map(
    ({ name, kind, colour }) => `<li><i class="${kind} c${colour}"></i>${escaped(name)}</li>`,
  );
  return raw(
    `<ul class="legend">${names.join("")}</ul>` +
      `<div class="chart wide" role="img" aria-label="${label}">${wide}</div>` +
      `<div class="chart narrow" role="img" aria-label="${label}">${narrow}</div>`,
  );
}

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");

let library: Promise<typeof import("./chart-library.ts")> | undefined;

/** The newest few: most requests ask for what the one before has asked for. */
const drawn = new Map<string, Promise<string>>();
const DRAWN_MAX = 24;

function draw(spec: ChartSpec, size: keyof typeof SIZES): Promise<string> {
  const key = `${size} ${JSON.stringify(spec)}`;
  const before = drawn.get(key);
  if (before !== undefined) return before;
  const picture = drawAnew(spec, size);
  drawn.set(key, picture);
  if (drawn.size > DRAWN_MAX) drawn.delete(drawn.keys().next().value ?? "");
  // What could not be drawn is tried again.
  picture.catch(() => drawn.delete(key));
  return picture;
}

async function drawAnew({ labels, series }: ChartSpec, size: keyof typeof SIZES): Promise<string> {
  library ??= import("./chart-library.ts");
  const { init } = await library;
  const { width, height } = SIZES[size];
  const chart = init(null, null, { renderer: "svg", ssr: true, width, height });
  const text = { color: INK.text, fontSize: 12, fontFamily: "sans-serif" };
  const sides = (["left", "right"] as const).filter((side) =>
    series.some(({ axis = "left" }) => axis === side),
  );
  chart.setOption({
    animation: false,
    textStyle: text,
    grid: { left: 4, right: 8, top: 10, bottom: 2, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
    xAxis: {
      type: "category",
      data: [...labels],
      axisLine: { lineStyle: { color: INK.line } },
      axisTick: { show: false },
      axisLabel: { ...text, hideOverlap: true },
    },
    yAxis: sides.map((side) => ({
      type: "value",
      position: side,
      splitNumber: 4,
      splitLine: { show: side === "left", lineStyle: { color: INK.line } },
      axisLabel: { ...text, formatter: shortNumber },
    })),
    series: series.map(({ name, kind, colour, values, stack, axis = "left", dashed = false }) => ({
      name,
      yAxisIndex: sides.indexOf(axis),
      type: kind === "bar" ? "bar" : "line",
      data: values.map((value) => value ?? null),
      silent: true,
      symbol: "none",
      ...(stack === undefined ? {} : { stack }),
      ...(kind === "steps" ? { step: "middle" } : {}),
      ...(kind === "area" || kind === "steps"
        ? { areaStyle: { opacity: 0.2, color: colourOf(colour) } }
        : {}),
      barMaxWidth: 26,
      itemStyle: {
        color: colourOf(colour),
        ...(kind === "bar" ? { borderColor: INK.ground, borderWidth: 0.5 } : {}),
      },
      lineStyle: {
        color: colourOf(colour),
        width: kind === "steps" ? 1 : 2,
        ...(dashed ? { type: [6, 4] } : {}),
      },
    })),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return ownColours(svg);
}

/**
 * Without styles of its own, which the page's policy refuses (`style-src 'self'`): what stood in one becomes attributes, which
 * mean the same. The size is the frame's.
 */
function ownColours(svg: string): string {
  const plain = svg
    .replace(/<style\b[^>]*>[\s\S]*?<\/style>/gu, "")
    .replace(
      /<svg ([^>]*)>/u,
      (_, attributes: string) =>
        `<svg ${attributes.replace(/\b(?:width|height)="[^"]*"/gu, "")} aria-hidden="true">`,
    )
    .replace(/ style="([^"]*)"/gu, (_, style: string) => attributesOf(style));
  return PAGE_COLOURS.reduce((text, [ours, page]) => text.replace(ours, page), plain);
}

const attributesOf = (style: string): string =>
  style
    .split(";")
    .flatMap((one) => {
      const [, name, value] = /^\s*([a-z-]+)\s*:\s*(.*?)\s*$/u.exec(one) ?? [];
      return name === undefined || value === undefined ? [] : [` ${name}="${value.replaceAll('"', "'")}"`];
    })
    .join("");

/** A picture, what it shows, and the same as a table for those who read. */
export const Figure = ({
  title,
  note,
  picture,
  table,
}: {
  readonly title: string;
  readonly note?: Child;
  readonly picture: Child;
  readonly table: Child;
}) => {
  const id = `chart-${title.toLowerCase().replace(/[^a-z0-9]+/gu, "-")}`;
  return (
    <section aria-labelledby={id}>
      <div class="title">
        <h2 id={id}>{title}</h2>
        {note === undefined ? null : <p class="hint">{note}</p>}
      </div>
      {picture}
      <details id={`${id}-table`}>
        <summary>As a table</summary>
        {table}
      </details>
    </section>
  );
};
