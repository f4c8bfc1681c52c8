import { useEffect, useRef, useState } from "preact/hooks";
import { diamondPath, forkCurve } from "../../marks/shapes";

/** A river that is to come: dotted, but for where one stands. */
export function UnbuiltRiver() {
  const svg = useRef<SVGSVGElement>(null);
  const [width, setWidth] = useState(1440);
  useEffect(() => {
    const element = svg.current;
    if (!element) return;
    const measure = () => setWidth(element.clientWidth || 1440);
    measure();
    const watched = new ResizeObserver(measure);
    watched.observe(element);
    return () => watched.disconnect();
  }, []);
  const start = Math.max(90, 0.0875 * width);
  const fork = 0.39 * width;
  const bend = Math.min(110, 0.1 * width);
  const end = 0.625 * width;
  const isNarrow = width < 1000;
  return (
    <svg ref={svg} class="unbuilt" width="100%" height="200" aria-hidden="true">
      <path class="bed" d={`M${start} 76H${end}`} />
      <path class="bed" d={`${forkCurve(fork, 76, 84, bend)}H${width}`} />
      <path class="water" stroke="var(--accent)" stroke-width="2" d={`M0 76H${start - 6}`} />
      <circle class="ring" stroke="var(--accent)" cx={start} cy={76} r={6} />
      <path class="diamond" stroke="var(--bed)" d={diamondPath(fork, 76, 6)} />
      <text class="here" x={start} y={52} text-anchor="middle">
        the first run starts here
      </text>
      <text x={fork} y={52} text-anchor={isNarrow ? "start" : "middle"}>
        a checkpoint is loaded: it forks
      </text>
      <text class="run-name" x={end + 12} y={80}>
        {isNarrow ? "what it logged after that stays" : "what it logged after that stays, pruned"}
      </text>
      <text class="run-name" x={width - 16} y={184} text-anchor="end">
        the experiment goes on
      </text>
    </svg>
  );
}
