import { Icon, type IconName } from "../controls/icons";
import { Popup } from "../controls/Popup";
import { chooseScale, fullChart, hiddenCharts } from "../state/view";
import { setYWindow, yWindowOf } from "../state/windows";
import type { ConnectedChart } from "./connect";
import { copyPicture, saveDrawnCsv, savePicture, saveRawCsv } from "./export";

type Item = { text: string; icon: IconName; isChosen?: boolean; act: () => unknown };

/** What can be done with one chart. */
export function ChartMenu({
  path,
  chart,
  anchor,
  onClose,
}: {
  path: string;
  chart: ConnectedChart;
  anchor: Element | null;
  onClose: () => void;
}) {
  const isLog = chart.isLog.value;
  const hide = () => {
    if (fullChart.peek() === path) fullChart.value = "";
    hiddenCharts.value = [...hiddenCharts.peek(), path];
  };
  const scales: Item[] = [
    { text: "Linear", icon: "dash", isChosen: !isLog, act: () => chooseScale(path, "linear") },
    { text: "Logarithmic", icon: "up", isChosen: isLog, act: () => chooseScale(path, "log") },
  ];
  if (yWindowOf(path)) scales.push({ text: "Fit y to the lines", icon: "expand", act: () => setYWindow(path, null) });
  const files: Item[] = [
    { text: "PNG", icon: "download", act: () => savePicture("png", path, chart) },
    { text: "SVG", icon: "download", act: () => savePicture("svg", path, chart) },
    { text: "CSV of what is drawn", icon: "download", act: () => saveDrawnCsv(path, chart) },
    { text: "CSV of all points", icon: "download", act: () => saveRawCsv(path, chart) },
    { text: "Copy the picture", icon: "copy", act: () => copyPicture(path, chart) },
  ];
  const view: Item[] = [{ text: "Hide this chart", icon: "eye", act: hide }];
  return (
    <Popup anchor={anchor} label={`More for ${path}`} role="menu" className="menu" align="right" onClose={onClose}>
      <Items head="y" items={scales} onClose={onClose} />
      <Items head="Save" items={files} onClose={onClose} />
      <Items head="View" items={view} onClose={onClose} />
    </Popup>
  );
}

function Items({ head, items, onClose }: { head: string; items: Item[]; onClose: () => void }) {
  return (
    <>
      <div class="menu-head">{head}</div>
      {items.map((item) => (
        <button
          key={item.text}
          type="button"
          class="menu-item"
          role={item.isChosen === undefined ? "menuitem" : "menuitemradio"}
          aria-checked={item.isChosen}
          onClick={() => {
            void item.act();
            onClose();
          }}
        >
          <Icon name={item.icon} size={14} /> {item.text} {item.isChosen && <Icon name="check" size={14} />}
        </button>
      ))}
    </>
  );
}
