// The slider and its number say the same.
document.addEventListener("input", (event) => {
  const slider = event.target.closest("[data-mirror]");
  if (slider) document.getElementById(slider.dataset.mirror).value = slider.value;
  const mirrored = document.querySelector(`[data-mirror="${event.target.id}"]`);
  if (mirrored) mirrored.value = event.target.value;
});
