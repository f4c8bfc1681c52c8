/** What charts are drawn with: a canvas, or what writes SVG. */
export type Pen = Pick<
  CanvasRenderingContext2D,
  | "save"
  | "restore"
  | "beginPath"
  | "moveTo"
  | "lineTo"
  | "closePath"
  | "arc"
  | "rect"
  | "clip"
  | "stroke"
  | "fill"
  | "fillRect"
  | "fillText"
  | "strokeText"
  | "setLineDash"
> & {
  strokeStyle: CanvasRenderingContext2D["strokeStyle"];
  fillStyle: CanvasRenderingContext2D["fillStyle"];
  lineWidth: number;
  globalAlpha: number;
  lineCap: CanvasLineCap;
  lineJoin: CanvasLineJoin;
  font: string;
  textAlign: CanvasTextAlign;
  textBaseline: CanvasTextBaseline;
};

type State = {
  strokeStyle: Pen["strokeStyle"];
  fillStyle: Pen["fillStyle"];
  lineWidth: number;
  globalAlpha: number;
  lineCap: CanvasLineCap;
  lineJoin: CanvasLineJoin;
  font: string;
  textAlign: CanvasTextAlign;
  textBaseline: CanvasTextBaseline;
  dash: number[];
  group: number;
};

const MARKUP: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const ANCHORS: Record<CanvasTextAlign, string> = {
  left: "start",
  start: "start",
  center: "middle",
  right: "end",
  end: "end",
};

function isAllowedInXml(character: string): boolean {
  const code = character.codePointAt(0)!;
  if (code < 0x20) return code === 9 || code === 10 || code === 13;
  return !(code >= 0xd800 && code <= 0xdfff) && code !== 0xfffe && code !== 0xffff;
}

/** Return a text as XML has it: characters that XML cannot carry become the replacement character. */
export function xmlText(text: string): string {
  return Array.from(text, (one) => (isAllowedInXml(one) ? (MARKUP[one] ?? one) : "\ufffd")).join("");
}

/** A pen that writes SVG. */
export class SvgPen implements Pen {
  strokeStyle: Pen["strokeStyle"] = "#000";
  fillStyle: Pen["fillStyle"] = "#000";
  lineWidth = 1;
  globalAlpha = 1;
  lineCap: CanvasLineCap = "butt";
  lineJoin: CanvasLineJoin = "miter";
  font = "11px sans-serif";
  textAlign: CanvasTextAlign = "start";
  textBaseline: CanvasTextBaseline = "alphabetic";
  #dash: number[] = [];
  #path = "";
  #clips = 0;
  #openGroups = 0;
  readonly #parts: string[] = [];
  readonly #states: State[] = [];

  save(): void {
    const { strokeStyle, fillStyle, lineWidth, globalAlpha, lineCap, lineJoin, font, textAlign, textBaseline } = this;
    const kept = { strokeStyle, fillStyle, lineWidth, globalAlpha, lineCap, lineJoin, font, textAlign, textBaseline };
    this.#states.push({ ...kept, dash: this.#dash, group: this.#openGroups });
  }

  restore(): void {
    const state = this.#states.pop();
    if (!state) return;
    const { dash, group, ...kept } = state;
    Object.assign(this, kept);
    this.#dash = dash;
    for (; this.#openGroups > group; this.#openGroups--) this.#parts.push("</g>");
  }

  beginPath(): void {
    this.#path = "";
  }

  moveTo(x: number, y: number): void {
    this.#path += `M${short(x)} ${short(y)}`;
  }

  lineTo(x: number, y: number): void {
    this.#path += `${this.#path ? "L" : "M"}${short(x)} ${short(y)}`;
  }

  closePath(): void {
    this.#path += "Z";
  }

  arc(x: number, y: number, r: number): void {
    const [left, right, across, size] = [short(x - r), short(x + r), short(y), short(r)];
    this.#path += `M${left} ${across}A${size} ${size} 0 1 1 ${right} ${across}A${size} ${size} 0 1 1 ${left} ${across}Z`;
  }

  rect(x: number, y: number, width: number, height: number): void {
    this.#path += `M${short(x)} ${short(y)}h${short(width)}v${short(height)}h${short(-width)}Z`;
  }

  clip(): void {
    this.#clips += 1;
    this.#openGroups += 1;
    this.#parts.push(
      `<clipPath id="clip${this.#clips}"><path d="${this.#path}"/></clipPath><g clip-path="url(#clip${this.#clips})">`,
    );
  }

  setLineDash(dash: Iterable<number>): void {
    this.#dash = [...dash];
  }

  #stroke(): string {
    const dash = this.#dash.length > 0 ? ` stroke-dasharray="${this.#dash.join(" ")}"` : "";
    const ends = `stroke-linecap="${this.lineCap}" stroke-linejoin="${this.lineJoin}"`;
    return `fill="none" stroke="${xmlText(String(this.strokeStyle))}" stroke-width="${this.lineWidth}" ${ends}${dash}${this.#opacity()}`;
  }

  #opacity(): string {
    return this.globalAlpha < 1 ? ` opacity="${short(this.globalAlpha)}"` : "";
  }

  stroke(): void {
    if (this.#path) this.#parts.push(`<path d="${this.#path}" ${this.#stroke()}/>`);
  }

  fill(): void {
    if (this.#path)
      this.#parts.push(`<path d="${this.#path}" fill="${xmlText(String(this.fillStyle))}"${this.#opacity()}/>`);
  }

  fillRect(x: number, y: number, width: number, height: number): void {
    this.#parts.push(
      `<rect x="${short(x)}" y="${short(y)}" width="${short(width)}" height="${short(height)}" fill="${xmlText(String(this.fillStyle))}"${this.#opacity()}/>`,
    );
  }

  #text(text: string, x: number, y: number, paint: string): void {
    const baseline = this.textBaseline === "middle" ? ' dominant-baseline="central"' : "";
    const place = `x="${short(x)}" y="${short(y)}" text-anchor="${ANCHORS[this.textAlign]}"${baseline}`;
    this.#parts.push(`<text ${place} style="font:${xmlText(this.font)}" ${paint}>${xmlText(text)}</text>`);
  }

  fillText(text: string, x: number, y: number): void {
    this.#text(text, x, y, `fill="${xmlText(String(this.fillStyle))}"${this.#opacity()}`);
  }

  strokeText(text: string, x: number, y: number): void {
    this.#text(text, x, y, this.#stroke());
  }

  /** Return the document. */
  finish(width: number, height: number, title: string): string {
    const size = `width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`;
    return `<svg xmlns="http://www.w3.org/2000/svg" ${size}><title>${xmlText(title)}</title>${this.#parts.join("")}</svg>\n`;
  }
}

function short(value: number): string {
  return String(Math.round(value * 100) / 100);
}
