"use strict";

// What the sign-in page does: send the form, then go where the page says.
const form = document.getElementById("sign-in");
const problem = document.getElementById("problem");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  problem.textContent = "";
  try {
    const answer = await fetch("/api/v1/auth/login", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({
        email: form.elements.email.value,
        password: form.elements.password.value,
        platform: "web",
      }),
    });
    if (answer.ok) {
      // Checked by the server against its list of addresses.
      window.location.assign(form.dataset.returnTo);
      return;
    }
    problem.textContent = (await answer.json()).message;
  } catch {
    problem.textContent = "The service cannot be reached; try again.";
  }
  button.disabled = false;
});
