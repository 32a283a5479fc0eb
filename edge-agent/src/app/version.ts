/** The version this program tells in its state. */
export const agentVersion = '0.1.0';
