import { render } from "preact";

render(<p>runfork</p>, document.getElementById("app")!);
