/** A colour in OKLCH: lightness 0 to 1, chroma, hue in degrees. */
export type Oklch = { l: number; c: number; h: number };

/** Return linear sRGB of a colour (Björn Ottosson's OKLab matrices); components outside 0 to 1 are out of gamut. */
function linearRgb({ l, c, h }: Oklch): [number, number, number] {
  const angle = (h * Math.PI) / 180;
  const a = c * Math.cos(angle);
  const b = c * Math.sin(angle);
  const long = (l + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const medium = (l - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const short = (l - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
    -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
    -0.0041960863 * long - 0.7034186147 * medium + 1.707614701 * short,
  ];
}

function isInGamut(colour: Oklch): boolean {
  return linearRgb(colour).every((part) => part >= -1e-4 && part <= 1 + 1e-4);
}

/** Return the colour with as much chroma as sRGB has for it, at most `most`. */
export function withinGamut(colour: Oklch, most = colour.c): Oklch {
  if (isInGamut({ ...colour, c: most })) return { ...colour, c: most };
  let low = 0;
  let high = most;
  for (let round = 0; round < 16; round++) {
    const middle = (low + high) / 2;
    if (isInGamut({ ...colour, c: middle })) low = middle;
    else high = middle;
  }
  return { ...colour, c: low };
}

function encoded(part: number): number {
  const clipped = Math.min(Math.max(part, 0), 1);
  return clipped <= 0.0031308 ? 12.92 * clipped : 1.055 * clipped ** (1 / 2.4) - 0.055;
}

/** Return `#rrggbb`. */
export function toHex(colour: Oklch): string {
  const parts = linearRgb(colour).map((part) => Math.round(encoded(part) * 255));
  return `#${parts.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}

/** Return the relative luminance of a colour, as WCAG 2 has it. */
export function luminance(colour: Oklch): number {
  const [red, green, blue] = linearRgb(colour).map((part) => Math.min(Math.max(part, 0), 1)) as [
    number,
    number,
    number,
  ];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** Return the contrast ratio of two colours, 1 to 21, as WCAG 2 has it. */
export function contrast(one: Oklch, other: Oklch): number {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
  return (high + 0.05) / (low + 0.05);
}
