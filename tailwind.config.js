// The design tokens are CSS variables (static/src/app.css); this file gives them names. Only these colours exist.
module.exports = {
  content: {
    relative: true,
    files: ["./views/**/*.templ", "./views/**/*.go", "!./views/**/*_templ.go", "!./views/**/*_test.go", "./static/app.js"],
  },
  darkMode: ["selector", "[data-theme=dark]"],
  theme: {
    colors: {
      transparent: "transparent",
      current: "currentColor",
      inherit: "inherit",
      canvas: "var(--bg)",
      surface: "var(--surface)",
      sunken: "var(--sunken)",
      ink: "var(--text)",
      muted: "var(--muted)",
      faint: "var(--faint)",
      line: "var(--border)",
      control: "var(--control)",
      accent: { DEFAULT: "var(--accent)", hover: "var(--accent-hover)", soft: "var(--accent-soft)", on: "var(--on-accent)" },
      danger: { DEFAULT: "var(--danger)", soft: "var(--danger-soft)", button: "var(--danger-button)" },
      warn: { DEFAULT: "var(--warn)", soft: "var(--warn-soft)" },
      ok: { DEFAULT: "var(--ok)", soft: "var(--ok-soft)" },
      info: { DEFAULT: "var(--info)", soft: "var(--info-soft)" },
      test: { DEFAULT: "var(--test)", soft: "var(--test-soft)" },
    },
    extend: {
      borderRadius: { md: "6px", lg: "10px" },
      fontFamily: {
        sans: ['"Inter Variable"', "system-ui", "sans-serif"],
        mono: ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", '"Liberation Mono"', '"DejaVu Sans Mono"', "monospace"],
      },
    },
  },
};
