"use strict";

const form = document.getElementById("form");
const said = document.getElementById("said");
const token = new URLSearchParams(location.hash.slice(1)).get("token");

// Out of the address bar and the history.
history.replaceState(null, "", location.pathname);

if (!token) {
  form.hidden = true;
  said.textContent = "Open this page by the link in the mail.";
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  said.textContent = "";
  try {
    const answer = await fetch(form.dataset.action, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Requested-With": "fetch" },
      body: JSON.stringify({ [form.dataset.token]: token, ...Object.fromEntries(new FormData(form)) }),
    });
    if (answer.ok) {
      form.hidden = true;
      said.textContent = "Done. You can close this page.";
      document.getElementById("next").hidden = false;
      return;
    }
    const error = await answer.json();
    said.textContent = [error.message, ...Object.values(error.errors || {}).flat()].join(" ");
  } catch {
    said.textContent = "The service could not be reached; try again.";
  }
  button.disabled = false;
});
