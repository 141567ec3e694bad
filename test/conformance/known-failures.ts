/** Cases of TensorFlow.js's own suite that pass on the cpu backend and fail on ours, with the reason. */
export const knownFailures: Readonly<Record<string, string>> = {
  'avgPool gradient x=[3,3,1] f=[3,3] s=1 p=explicit':
    "expects every share to be one over the window's size, though the forward pass divides by the places that exist; ours is the derivative of the forward pass",
  'tan numbers exceed float32 precision':
    'expects a tangent computed in float64 and then rounded; ours is computed in float32 and is off by one unit in the last place',
  'Switching cpu backends Move data from cpu1 to cpu2 backend': 'is about two backends named cpu1 and cpu2',
  'Switching cpu backends can execute op with data from mixed backends': 'is about two backends named cpu1 and cpu2',
};
