import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/shell.css";
import { restoreView, skipList } from "./state/arrival";

// The state reads the URL when it is imported: a view that the server keeps must be back in the URL by then.
await restoreView();
await skipList();
const { start } = await import("./start");
start();
