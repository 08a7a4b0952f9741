// Everything in the console works without this file; it makes things quicker. It acts on data- attributes only, so that
// no template carries script, and listens on the document, so that swapped content needs no set-up.
(() => {
  "use strict";

  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const on = (type, fn, options) => document.addEventListener(type, fn, options);

  // ---- toasts: one polite status region ----

  function toast(text) {
    const node = document.createElement("div");
    node.className = "toast toast-ok";
    node.dataset.toast = "";
    node.textContent = text;
    $("#toasts")?.append(node);
    expire(node);
  }

  // Errors stay until dismissed; good news leaves after 6 s unless somebody is on it.
  function expire(node) {
    if (node.dataset.expiring || node.matches(".toast-danger, .toast-warn")) return;
    node.dataset.expiring = "1";
    const leave = () => (node.matches(":hover, :focus-within") ? setTimeout(leave, 2000) : node.remove());
    setTimeout(leave, 6000);
  }

  // ---- copy: says "Copied" only when it was ----

  // navigator.clipboard does not exist on plain HTTP, which self-hosters use.
  async function copyText(text, field) {
    if (window.isSecureContext && navigator.clipboard) {
      try {
        await navigator.clipboard.writeText(text);
        return true;
      } catch {
        // No permission: try the old way.
      }
    }
    const area = field ?? hiddenArea(text);
    area.focus();
    area.select();
    let ok = false;
    try {
      ok = document.execCommand("copy");
    } catch {
      ok = false;
    }
    if (!field) area.remove();
    return ok;
  }

  function hiddenArea(text) {
    const area = document.createElement("textarea");
    area.value = text;
    area.readOnly = true;
    area.className = "sr-only";
    // Inside an open modal dialog nothing outside of it can have the focus.
    ($("dialog[open]") ?? document.body).append(area);
    return area;
  }

  async function copy(button) {
    const field = button.dataset.copyTarget && document.getElementById(button.dataset.copyTarget);
    const ok = await copyText(field ? field.value : button.dataset.copy, field);
    const word = $("[data-copy-word]", button);
    const fallback = /Mac|iPhone|iPad/.test(navigator.platform) ? "Press ⌘C" : "Press Ctrl+C";
    if (ok) {
      button.dataset.copied = "";
      button.closest("[data-guard]")?.removeAttribute("data-guard");
      if (!field) button.focus();
    } else if (field) {
      field.focus();
      field.select();
    }
    const said = ok ? "Copied" : field ? fallback : "Couldn't copy. Select the text and press Ctrl+C.";
    button.copyLabel ??= button.ariaLabel;
    if (word) button.ariaLabel = word.textContent = ok ? "Copied" : fallback; // a name has what is to be seen in it
    toast(said);
    clearTimeout(button.copyTimer);
    button.copyTimer = setTimeout(() => {
      delete button.dataset.copied;
      button.ariaLabel = button.copyLabel;
      if (word) word.textContent = "Copy";
    }, 3000);
  }

  // A key that is shown once: copying it by hand counts as well, and leaving asks once.
  on("copy", (e) => e.target.closest?.("[data-guard]")?.removeAttribute("data-guard"));
  let asked = false;
  window.addEventListener("beforeunload", (e) => {
    if (asked || !$("[data-guard]")) return;
    asked = true;
    e.preventDefault();
  });

  // ---- the one dialog ----

  let opener = null;
  const dialog = () => $("#dialog");

  function openDialog() {
    const d = dialog();
    if (!d.open) d.showModal();
    d.append($("#toasts")); // all that is outside of a modal dialog is out of reach
    ($("[data-focus]", d) ?? $("[aria-invalid=true]", d) ?? $("[data-autofocus]", d) ?? d).focus();
  }

  function closeDialog() {
    dialog()?.close();
  }

  function dialogClosed() {
    document.body.append($("#toasts"));
    $("#dialog-content").replaceChildren();
    // The row may have been swapped meanwhile: the same link in the new row will do, else the title of the page.
    const back = opener?.isConnected ? opener : opener?.id ? document.getElementById(opener.id) : null;
    (back?.checkVisibility?.() ? back : $("h1"))?.focus();
    opener = null;
  }

  // htmx tells about every swap on the element that asked for it.
  on("htmx:before:request", (e) => {
    const source = e.detail.ctx.sourceElement;
    if (source.matches("[data-dialog]")) {
      // The item of a row menu disappears with its popover: go back to the button that opened the menu.
      const menu = source.closest("[popover]");
      opener = menu ? $(`[popovertarget="${CSS.escape(menu.id)}"]`) : source;
      if (menu?.matches(":popover-open")) menu.hidePopover();
    }
    if (source.matches("form[data-once]")) busy(source);
  });
  // A whole page where a part was asked for (a refusal, or the sign-in page after the session ended) is shown as a page.
  on("htmx:before:swap", (e) => {
    const { ctx } = e.detail;
    if (!ctx.response || ctx.select || ctx.target === document.body || !/^\s*<!doctype/i.test(ctx.text)) return;
    e.preventDefault();
    if (ctx.request.method === "GET") location.assign(ctx.request.action);
    else location.reload();
  });
  on("htmx:after:swap", (e) => {
    const { ctx } = e.detail;
    const d = dialog();
    const target = typeof ctx.target === "string" ? $(ctx.target) : ctx.target;
    if (target?.id === "dialog-content") {
      if (target.childElementCount) openDialog();
    } else if (d.open && d.contains(ctx.sourceElement) && ctx.swap !== "none" && ctx.response?.status < 400) {
      closeDialog();
    } else if (ctx.request.method === "POST" && document.activeElement === document.body) {
      // The button that was pressed went with what was swapped.
      $("main [data-focus]")?.focus();
    }
    prepare();
  });
  on("htmx:finally:request", (e) => {
    const source = e.detail.ctx.sourceElement;
    if (source.matches("form[data-once]")) idle(source);
  });
  on("htmx:error", (e) => {
    // Not e.target: the event of an element that has left the page is sent to the document.
    const source = e.detail.ctx?.sourceElement;
    if (source && !source.closest("[data-live], [data-live-stream]")) {
      toast("The server didn't answer. Check the connection and try again.");
    }
  });

  // ---- forms ----

  function busy(form) {
    form.dataset.sent = "";
    $$("button[type=submit]", form).forEach((b) => b.setAttribute("aria-busy", "true"));
  }

  function idle(form) {
    delete form.dataset.sent;
    $$("button[type=submit]", form).forEach((b) => b.removeAttribute("aria-busy"));
  }

  on(
    "submit",
    (e) => {
      const form = e.target;
      if (!form.matches("form[data-once]")) return;
      if ("sent" in form.dataset) {
        e.preventDefault();
        e.stopImmediatePropagation();
      } else if (!form.matches("[hx-post], [hx-get], [hx-put], [hx-patch], [hx-delete]")) {
        // After this event, so that the pressed button's name is still sent.
        setTimeout(() => e.defaultPrevented || busy(form));
      }
    },
    true,
  );
  // The page may come back from the browser's own cache with its buttons still busy.
  window.addEventListener("pageshow", (e) => e.persisted && $$("form[data-sent]").forEach(idle));

  // The value of a field by name: the chosen radio, a ticked box, or what was typed.
  function valueOf(name) {
    const fields = $$(`[name="${CSS.escape(name)}"]`);
    const choice = fields.find((f) => /radio|checkbox/.test(f.type));
    const field = choice ? fields.find((f) => f.checked) : fields[0];
    if (!field) return { value: "", text: "" };
    const source = field.tagName === "SELECT" ? field.selectedOptions[0] : field;
    return { value: field.value, text: source?.dataset.mirrorText ?? field.value };
  }

  function mirror() {
    $$("[data-mirror]").forEach((node) => {
      node.textContent = valueOf(node.dataset.mirror).text || node.dataset.mirrorEmpty || "";
    });
    $$("[data-show-when]").forEach((node) => {
      const [name, wanted] = node.dataset.showWhen.split("=");
      node.hidden = !wanted.split("|").includes(valueOf(name).value);
    });
  }

  function confirmName(field) {
    const button = document.getElementById(field.dataset.confirmButton);
    if (button) button.disabled = field.value.trim() !== field.dataset.confirmName;
  }

  on("input", (e) => {
    if (e.target.matches("[data-confirm-name]")) confirmName(e.target);
    mirror();
  });
  on("change", (e) => {
    if (e.target.matches("[data-theme-select], [data-theme-select] *")) document.documentElement.dataset.theme = e.target.value;
    if (e.target.matches("[data-submit-on-change], form[data-filter] select")) e.target.form.requestSubmit();
    mirror();
  });
  on("focusin", (e) => e.target.matches("[data-select]") && e.target.select());

  // ---- a test event, from the one page that still holds the key; in headers, so that it is in no URL ----

  async function sendTest(button) {
    if (button.ariaBusy) return;
    button.ariaBusy = "true";
    const value = (id) => document.getElementById(id)?.value;
    const headers = { "Content-Type": "application/json", Authorization: `Bearer ${value(button.dataset.sendKey)}` };
    const secret = value(button.dataset.sendSecret);
    if (secret) headers["X-Api-Secret"] = secret;
    let said = "The server didn't answer. Check the connection and try again.";
    try {
      const answer = await fetch(button.dataset.sendTo, { method: "POST", headers, body: button.dataset.sendBody, credentials: "omit" });
      const { status, error } = await answer.json();
      said = error ? `Answered ${answer.status} ${error.code}: ${error.message}` : `Answered ${answer.status}: ${status}.`;
    } catch {
      // What stands in said.
    }
    document.getElementById(button.dataset.sendResult).textContent = said;
    button.ariaBusy = null;
  }

  // ---- the editor of payload templates ----

  // The path that a value of the sample goes into: the one that had the focus last.
  let lastPath = null;
  on("focusin", (e) => {
    if (e.target.matches("[data-template-path]")) lastPath = e.target;
    else if (!e.target.closest("[data-template-use], .sample-tree")) lastPath = null;
  });
  // Before htmx: what is filled in here needs no new row from the server.
  on(
    "click",
    (e) => {
      const leaf = e.target.closest("[data-template-use]");
      if (!leaf || !lastPath?.isConnected) return;
      e.preventDefault();
      e.stopPropagation();
      lastPath.value = leaf.dataset.templateUse;
      lastPath.focus();
      lastPath.dispatchEvent(new Event("input", { bubbles: true }));
    },
    true,
  );
  // Enter in a field of the editor tests; it neither leaves the page nor moves rows.
  on("keydown", (e) => {
    if (e.key !== "Enter" || e.isComposing || !e.target.matches("[data-template-editor] input:not([type=checkbox])")) return;
    e.preventDefault();
    $("#template-test")?.click();
  });

  // ---- clicks ----

  on("click", (e) => {
    const at = (selector) => e.target.closest(selector);
    let hit;
    if ((hit = at("[data-copy], [data-copy-target]"))) copy(hit);
    else if ((hit = at("[data-send-to]"))) sendTest(hit);
    else if ((hit = at("[data-dismiss]"))) hit.closest("[data-toast]").remove();
    else if ((hit = at("[data-shortcuts-open]"))) showShortcuts();
    else if ((hit = at("[data-live-resume]"))) resume(hit.closest("[data-live]"));
    else if ((hit = at("[data-close-dialog]")) && hit.closest("dialog[open]")) {
      e.preventDefault();
      closeDialog();
    } else if (e.target === dialog()) closeDialog(); // the backdrop
  });

  // ---- relative times: as ui.Relative writes them on the server ----

  const units = [[60, 1, "second"], [3600, 60, "minute"], [86400, 3600, "hour"], [60 * 86400, 86400, "day"], [730 * 86400, 30 * 86400, "month"], [Infinity, 365 * 86400, "year"]];

  function relative(then, now) {
    const distance = Math.floor(Math.abs(now - then) / 1000);
    if (distance < 10) return "just now";
    const [, size, unit] = units.find(([below]) => distance < below);
    const n = unit === "month" ? Math.round(distance / size) : Math.floor(distance / size);
    const text = `${n} ${unit}${n === 1 ? "" : "s"}`;
    return then > now ? `in ${text}` : `${text} ago`;
  }

  function refreshTimes() {
    $$("[data-relative]").forEach((node) => {
      const then = Date.parse(node.dataset.relative);
      if (!Number.isNaN(then)) node.textContent = relative(then, Date.now());
    });
  }

  // ---- live lists pause after five minutes, so that a forgotten tab costs nothing ----

  const LIVE_MS = 5 * 60 * 1000;

  function startLive(live) {
    if (live.liveTimer) return;
    live.liveTimer = setTimeout(() => pause(live), Number(live.dataset.liveMs) || LIVE_MS);
  }

  function pause(live) {
    const stream = $("[data-live-stream]", live);
    if (!stream) return; // paused already
    clearTimeout(live.liveTimer);
    live.spare = stream.cloneNode(false);
    live.spare.removeAttribute("data-htmx-powered");
    const reader = stream._htmx?.sse?.reader;
    stream.remove(); // hx-sse ends a connection whose element is gone
    reader?.cancel();
    live.dataset.paused = "";
    live.liveText = $("[data-live-text]", live).textContent;
    $("[data-live-text]", live).textContent = "Paused after 5 minutes";
    $("[data-live-resume]", live).hidden = false;
  }

  // The server ends a stream that lasted too long, or whose reader may not read any more.
  on("paused", (e) => e.target.matches("[data-live-stream]") && pause(e.target.closest("[data-live]")));

  function resume(live) {
    live.liveTimer = null;
    delete live.dataset.paused;
    $("[data-live-text]", live).textContent = live.liveText;
    $("[data-live-resume]", live).hidden = true;
    live.prepend(live.spare);
    window.htmx?.process(live);
    startLive(live);
  }

  // ---- keyboard ----

  const typing = (node) => node.closest?.("input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]");
  let going = 0;

  function showShortcuts() {
    const sheet = $("#shortcuts-sheet");
    if (!sheet) return;
    opener = document.activeElement?.closest("[popover]") ? null : document.activeElement;
    $$("[popover]:popover-open").forEach((p) => p.hidePopover());
    $("#dialog-content").replaceChildren(sheet.content.cloneNode(true));
    openDialog();
  }

  function shortcut(e) {
    if (Date.now() < going) {
      going = 0;
      return $(`[data-go="${CSS.escape(e.key)}"]`);
    }
    if (e.key === "g") going = Date.now() + 1500;
    else if (e.key === "/") return $("[data-search]");
    else if (e.key === "?") showShortcuts();
    else return $(`[data-key="${CSS.escape(e.key)}"]`);
    return null;
  }

  on("keydown", (e) => {
    if (document.body.dataset.shortcuts === "off" || e.ctrlKey || e.metaKey || e.altKey || e.isComposing) return;
    if (typing(e.target) || $("dialog[open]")) return;
    const hit = shortcut(e);
    if (!hit) return;
    e.preventDefault();
    if (hit.matches("[data-search]")) hit.select();
    hit.matches("input") ? hit.focus() : hit.click();
  });

  // ---- set-up: once for the page, and after each swap ----

  function prepare() {
    $$("[data-toast]").forEach(expire);
    $$("[data-live]").forEach(startLive);
    $$("[data-confirm-name]").forEach(confirmName);
    $$("[data-shortcuts-open], [data-test-event], [data-needs-script]").forEach((b) => (b.hidden = false));
    $$("[data-timezone]").forEach((f) => (f.value ||= Intl.DateTimeFormat().resolvedOptions().timeZone));
    refreshTimes();
    mirror();
  }

  function start() {
    dialog()?.addEventListener("close", dialogClosed);
    // The answer to a form that must not be sent again: Reload and Back ask for this address instead.
    const address = $("[data-address]")?.dataset.address;
    if (address) history.replaceState(null, "", address);
    prepare();
    setInterval(refreshTimes, 30000);
    // Focus the refusal, or the title: a screen reader then begins where the page does. Not on a link to a part of the
    // page, nor where a field asked for the focus.
    if (location.hash || $("[autofocus]")) return;
    $("[data-focus]")?.focus();
    if (document.activeElement === document.body) $("h1")?.focus({ preventScroll: true });
  }

  start(); // the script is deferred: the document is there
})();
