import { defineConfig } from "vitest/config";

// Paths in the bundle are relative to <base>, which the server writes into the page: so it works below any prefix.
export default defineConfig({
  base: "./",
  build: {
    outDir: "../runfork_server/static",
    emptyOutDir: true,
    // What docs/ui.md and index.html name: subgrid and Array.toReversed are the newest things that nothing stands in for.
    target: ["chrome117", "edge117", "firefox115", "safari16.4"],
    modulePreload: false,
    sourcemap: false,
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    license: { fileName: "licenses.md" },
    rollupOptions: { output: { entryFileNames: "assets/[name]-[hash].js" } },
  },
  worker: { format: "es" },
  // Classic JSX, `h("p", null, "text")`, is a kilobyte less of bundle than the automatic one with its objects of children.
  oxc: { jsx: { runtime: "classic", pragma: "h", pragmaFrag: "Fragment" } },
  plugins: [
    {
      name: "import-h",
      enforce: "pre",
      transform: (code, id) => (id.endsWith(".tsx") ? `import { Fragment, h } from "preact";${code}` : null),
    },
  ],
  test: { environment: "happy-dom", css: { include: [/tokens\.css/] }, include: ["src/**/*.test.{ts,tsx}"] },
});
