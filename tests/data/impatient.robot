*** Settings ***
Documentation       Loses its patience with a start that waits for a vswitch. Run by tests/fault/limits.robot.
Library             Remote    ${URL}


*** Test Cases ***
A Start Takes Longer Than Its Caller Waits
    Configure Vhost Interfaces    left    ${SOCKET}
    Start And Lose Patience


*** Keywords ***
Start And Lose Patience
    [Timeout]    1 second
    Start Kernel VM    left
