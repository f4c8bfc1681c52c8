import { useEffect, useRef } from "preact/hooks";
import { ChartsPane } from "../../charts/ChartsPane";
import { followPointer } from "../../controls/following";
import { RunsPane } from "../../runs/RunsPane";
import { drawn } from "../../state/drawn";
import { metrics } from "../../state/metrics";
import { remembered } from "../../state/remembered";
import { fullChart } from "../../state/view";

/** How much of the page the runs take, in percent: beside the charts, and above them where the window is narrow. */
const paneShare = remembered("pane", { beside: 42, above: 36 });
const NARROW = 900;
const [LEAST, MOST] = [18, 78];

/** Runs, and the charts of those that are drawn. */
export function ChartsPage() {
  const page = useRef<HTMLDivElement>(null);
  const isFull = fullChart.value !== "";
  useEffect(() => {
    const apply = () => {
      const { beside, above } = paneShare.value;
      page.current?.style.setProperty("--pane", `${window.innerWidth <= NARROW ? above : beside}%`);
    };
    const end = paneShare.subscribe(apply);
    window.addEventListener("resize", apply);
    return () => {
      end();
      window.removeEventListener("resize", apply);
    };
  }, []);
  return (
    <div ref={page} class="charts-page" data-full={isFull}>
      <h1 class="unseen">Charts</h1>
      {!isFull && <RunsPane />}
      {!isFull && <Divider />}
      <ChartsPane runs={drawn.value} paths={metrics.value?.paths ?? null} error={metrics.value?.error ?? null} />
    </div>
  );
}

function setShare(share: number): void {
  const part = window.innerWidth <= NARROW ? "above" : "beside";
  paneShare.value = { ...paneShare.peek(), [part]: Math.min(MOST, Math.max(LEAST, share)) };
}

/** Between runs and charts: it is dragged, or moved with the arrow keys. */
function Divider() {
  const isNarrow = window.innerWidth <= NARROW;
  const share = isNarrow ? paneShare.value.above : paneShare.value.beside;
  const drag = (event: PointerEvent) => {
    const element = event.currentTarget as HTMLElement;
    const box = element.parentElement!.getBoundingClientRect();
    element.setPointerCapture(event.pointerId);
    event.preventDefault();
    followPointer((moved) =>
      setShare(
        window.innerWidth <= NARROW
          ? ((moved.clientY - box.top) / box.height) * 100
          : ((moved.clientX - box.left) / box.width) * 100,
      ),
    );
  };
  const key = (event: KeyboardEvent) => {
    const by = { ArrowLeft: -2, ArrowUp: -2, ArrowRight: 2, ArrowDown: 2 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    setShare(share + by);
  };
  return (
    <div
      class="divider"
      role="separator"
      tabIndex={0}
      aria-label="Room of the runs"
      aria-orientation={isNarrow ? "horizontal" : "vertical"}
      aria-valuenow={Math.round(share)}
      aria-valuemin={LEAST}
      aria-valuemax={MOST}
      onPointerDown={drag}
      onKeyDown={key}
    />
  );
}
