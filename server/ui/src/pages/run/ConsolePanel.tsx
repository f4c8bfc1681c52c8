import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { sentence } from "../../api/client";
import type { ConsolePage, RunValues } from "../../api/types";
import { type MountedConsole, mount } from "../../console/Console";
import { nextHit } from "../../console/text";
import { Button } from "../../controls/Button";
import { copy } from "../../controls/clipboard";
import { Icon } from "../../controls/icons";
import { Segmented } from "../../controls/Segmented";
import { place } from "../../state/address";
import { useChangeCount } from "../../state/answer";
import { type ConsoleView, consoleSource, rawUrl } from "../../state/console";
import { noteAnswer } from "../../state/live";
import { consoleLine, consoleRank, consoleSearch, consoleTime, consoleWraps, stream } from "../../state/view";
import { plural } from "../../text/format";
import { ConsoleSearch, useHits } from "./ConsoleSearch";
import { GoTo } from "./GoTo";

const streams = [
  { value: "stdout", text: "stdout" },
  { value: "stderr", text: "stderr" },
  { value: "both", text: "both" },
] as const;

/** What a run printed: searched, followed, however long it is. */
export function ConsolePanel({ found, isSmall = false }: { found: RunValues; isSmall?: boolean }) {
  const project = place.value.project!;
  const run = found.run.run_id;
  const view = useMemo<ConsoleView>(
    () => ({ project, run, stream: stream.value, rank: consoleRank.value }),
    [project, run, stream.value, consoleRank.value],
  );
  const box = useRef<HTMLDivElement>(null);
  const shown = useRef<MountedConsole | null>(null);
  const [page, setPage] = useState<ConsolePage | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const [hasColours, setHasColours] = useState(false);
  const [current, setCurrent] = useState<number | null>(null);
  const source = useMemo(() => consoleSource(view), [view]);
  const changes = useChangeCount([run]);
  const search = consoleSearch.value;
  const follows = consoleLine.value < 0;
  const move = useMoveNote();
  const props = {
    source,
    revision: changes,
    search,
    current,
    time: consoleTime.value,
    hasRanks: view.rank < 0 && (page?.ranks.length ?? 0) > 1,
    wraps: consoleWraps.value,
    follows,
    startsAt: Math.max(0, consoleLine.peek()),
    onMove: move,
    onPage: (found: ConsolePage) => {
      setFailure(null);
      setPage(found);
      if (found.lines.some((line) => line.styles)) setHasColours(true);
    },
    onFailure: (error: unknown) => {
      noteAnswer(error);
      setFailure(sentence(error));
    },
    onCopy: (text: string) => void copy(text, "Lines"),
  };
  useEffect(() => {
    const mounted = mount(box.current!, props);
    shown.current = mounted;
    return () => {
      shown.current = null;
      mounted.destroy();
    };
  }, []);
  useEffect(() => shown.current?.update(props));
  useEffect(() => {
    setPage(null);
    setHasColours(false);
  }, [source]);
  const hits = useHits(view, search);
  const jump = (line: number) => {
    setCurrent(line);
    consoleLine.value = line;
    shown.current?.jumpTo(line);
  };
  const setFollowing = (isWanted: boolean) => {
    consoleLine.value = isWanted ? -1 : (shown.current?.topLine() ?? 0);
    if (isWanted) shown.current?.jumpToEnd();
    else shown.current?.stay();
  };
  const isEmpty = page !== null && page.total === 0 && page.open.length === 0;
  return (
    <section class={isSmall ? "console-panel small" : "console-panel"} aria-label="Console">
      <div class="pane-bar console-bar">
        {isSmall && <h2>Console</h2>}
        <Segmented
          label="Stream"
          value={stream.value}
          options={streams}
          onChange={(value) => {
            stream.value = value;
          }}
        />
        <RankChoice ranks={page?.ranks ?? []} />
        <ConsoleSearch
          hits={hits}
          current={current}
          next={(isBackwards) => {
            const from = current ?? (shown.current?.topLine() ?? 0) - (isBackwards ? 0 : 1);
            const line = hits.value ? nextHit(hits.value.lines, from, isBackwards) : null;
            if (line !== null) jump(line);
          }}
        />
        <span class="bar-end">
          {page && !isSmall && <span class="dim">{plural(page.total, "line")}</span>}
          <GoTo view={view} found={found} total={page?.total ?? 0} jump={jump} />
          <Options follows={follows} view={view} hasColours={hasColours} setFollowing={setFollowing} />
        </span>
      </div>
      {failure && <p class="console-failure bad">{failure}</p>}
      <div class="console-box" ref={box} hidden={isEmpty} />
      {isEmpty && <Silent found={found} />}
    </section>
  );
}

function Silent({ found }: { found: RunValues }) {
  const isOther = stream.value !== "both";
  return (
    <p class="dim console-silent">
      {isOther ? `Nothing was written to ${stream.value}.` : "Nothing was printed, or console output was not captured."}
      {found.run.state === "running" && " What is printed from now on appears here."}
    </p>
  );
}

/** Keep the line in view in the URL, when scrolling has come to rest. */
function useMoveNote(): (line: number, isAtEnd: boolean) => void {
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  return (line, isAtEnd) => {
    if (!isAtEnd && consoleLine.peek() < 0) consoleLine.value = line;
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      consoleLine.value = isAtEnd ? -1 : line;
    }, 200);
  };
}

function RankChoice({ ranks }: { ranks: number[] }) {
  if (ranks.length < 2 && consoleRank.value < 0) return null;
  return (
    <select
      class="select"
      aria-label="Rank"
      value={String(consoleRank.value)}
      onChange={(event) => {
        consoleRank.value = Number(event.currentTarget.value);
      }}
    >
      <option value="-1">all ranks</option>
      {ranks.map((rank) => (
        <option key={rank} value={String(rank)}>
          rank {rank}
        </option>
      ))}
    </select>
  );
}

const nextTime = { relative: "absolute", absolute: "off", off: "relative" } as const;

type OptionsProps = {
  follows: boolean;
  view: ConsoleView;
  hasColours: boolean;
  setFollowing: (isWanted: boolean) => void;
};

function Options({ follows, view, hasColours, setFollowing }: OptionsProps) {
  return (
    <>
      <Button
        kind="quiet"
        aria-pressed={consoleWraps.value}
        onClick={() => {
          consoleWraps.value = !consoleWraps.peek();
        }}
      >
        wrap
      </Button>
      <Button
        kind="quiet"
        aria-pressed={consoleTime.value !== "off"}
        style={{ width: "52px" }}
        title="Since the run began, of day, or none"
        onClick={() => {
          consoleTime.value = nextTime[consoleTime.peek()];
        }}
      >
        {consoleTime.value === "absolute" ? "clock" : "time"}
      </Button>
      <Button kind="quiet" aria-pressed={follows} title="Keep the end in view" onClick={() => setFollowing(!follows)}>
        follow
      </Button>
      <a
        class="button quiet"
        href={rawUrl(view, false)}
        download={`${view.run}-${view.stream}.txt`}
        title="Download all of it as text"
      >
        <Icon name="download" size={14} /> raw
      </a>
      {hasColours && (
        <a
          class="button quiet"
          href={rawUrl(view, true)}
          download={`${view.run}-${view.stream}.ansi`}
          title="Download all of it in colour, for less -R"
        >
          <Icon name="download" size={14} /> in colour
        </a>
      )}
    </>
  );
}
