*** Settings ***
Documentation       A server that ends, by a signal or by its own will, and the next one on the same
...                 run directory.
Resource            fault.resource

Suite Setup         Set Up Faults
Suite Teardown      Tear Down Faults
Test Teardown       End Server And Check


*** Test Cases ***
The Next Server Adopts What A Killed One Left
    Start Server    ${RUN_DIR}
    Call    Configure Vhost Interfaces    kept    ${DIRECTORY}/a
    Start Host Testpmd    ${DIRECTORY}/a    ${DIRECTORY}/b
    Call    Start Kernel VM    kept    cpus=2    host_cpus=${{[0, 1]}}
    Call    Configure Vhost Interfaces    kept    ${DIRECTORY}/b
    Call    Start Kernel VM    halted    paused=True
    Call    Execute In VM    kept    sh    -c    echo said-before > /dev/console
    Call    Expect On VM Console    kept    said-before
    ${before}=    Call    Get VM Info    kept
    Length Should Be    ${before}[interfaces]    2
    ${status}=    Signal Server    SIGKILL
    Should Be Equal    ${status}    ${-9}
    ${pids}=    Find Processes    ${RUN_DIR}/
    Length Should Be    ${pids}    2
    Start Server    ${RUN_DIR}
    ${vms}=    Call    List VMs
    Should Be Equal    ${vms}    ${{['halted', 'kept']}}
    State Should Be    kept    running
    State Should Be    halted    paused
    ${after}=    Call    Get VM Info    kept
    Dictionaries Should Be Equal    ${after}    ${before}
    ${text}=    Call    Get VM Console    kept
    Should Contain    ${text}    the init script of 'kept' runs
    Should Contain    ${text}    said-before
    Call    Expect On VM Console    kept    said-before
    ${result}=    Call    Execute In VM    kept    echo    works
    Should Be Equal    ${result}[stdout]    works\n
    Call    Execute In VM    kept    sh    -c    echo said-after > /dev/console
    ${line}=    Call    Expect On VM Console    kept    said-after
    Should Be Equal    ${line}    said-after
    Call    Resume VM    halted
    State Should Be    halted    running
    Call    Pause VM    kept
    State Should Be    kept    paused
    Call    Resume VM    kept
    Call    Remove Vhost Interface    kept    vhost2    timeout=20
    ${killed}=    Call    Qemu Kill All
    Lists Should Be Equal    ${killed}    ${{['kept', 'halted']}}    ignore_order=True
    Wait Until Process Ends    ${before}[pid]

The Testpmd Of An Adopted VM Answers
    Start Server    ${RUN_DIR}
    Call    Configure Vhost Interfaces    pmd    ${DIRECTORY}/a    ${DIRECTORY}/b
    Start Host Testpmd    ${DIRECTORY}/a    ${DIRECTORY}/b
    Call    Start Kernel VM    pmd    vnf=testpmd_io    cpus=2
    Signal Server    SIGKILL
    Start Server    ${RUN_DIR}
    Host Testpmd Command    start tx_first
    Wait For Host Testpmd Packets    ${1000}
    ${stats}=    Call    Get Testpmd Stats    pmd
    Should Be True    ${stats}[ports][0][rx_packets] >= 1000

What Was Run In An Adopted VM Goes On
    Start Server    ${RUN_DIR}
    Call    Configure Vhost Interfaces    runs    ${DIRECTORY}/a    ${DIRECTORY}/b
    Start Host Testpmd    ${DIRECTORY}/a    ${DIRECTORY}/b
    Call    Start Kernel VM    runs    vnf=ipv4    cpus=2
    Signal Server    SIGKILL
    Start Server    ${RUN_DIR}
    ${stats}=    Call    Get Linux IPv4 Forwarding Stats    runs
    Length Should Be    ${stats}[ports]    2
    Should Be Equal    ${stats}[ports][1][name]    eth1
    Call    Stop Linux IPv4 Forwarding In VM    runs
    Call    Run Testpmd In VM    runs
    Signal Server    SIGKILL
    Start Server    ${RUN_DIR}
    Host Testpmd Command    start tx_first
    Wait For Host Testpmd Packets    ${1000}
    ${stats}=    Call    Stop Testpmd In VM    runs
    Should Be True    ${stats}[ports][0][rx_packets] >= 1000
    Signal Server    SIGKILL
    Start Server    ${RUN_DIR}
    Run Keyword And Expect Error    *no testpmd runs in VM 'runs'*    Call    Get Testpmd Stats    runs
    Run Keyword And Expect Error    *does not run Linux IPv4 forwarding*    Call
    ...    Stop Linux IPv4 Forwarding In VM    runs

An Adopted Image VM Is Reached By Both Ways
    [Documentation]    With the login and the host key that the server before knew.
    Start Server    ${RUN_DIR}
    ${before}=    Call    Start Image VM    kept    memory=512
    Signal Server    SIGKILL
    Start Server    ${RUN_DIR}
    ${after}=    Call    Get VM Info    kept
    Dictionaries Should Be Equal    ${after}    ${before}
    FOR    ${via}    IN    ssh    agent
        ${result}=    Call    Execute In VM    kept    echo    ${via}    via=${via}
        Should Be Equal    ${result}[stdout]    ${via}\n
    END
    Call    Stop VM    kept

An Adopted VM Tells How It Ends
    Start Server    ${RUN_DIR}
    ${info}=    Call    Start Kernel VM    ends    paused=True
    Signal Server    SIGKILL
    Start Server    ${RUN_DIR}
    State Should Be    ends    paused
    Signal Process    ${info}[pid]    SIGKILL
    ${reason}=    Call    Wait Until VM Stops    ends    10
    Should Be Equal    ${reason}    crashed

A Start That The Server Did Not Survive Is Cleaned Up
    Start Server    ${RUN_DIR}
    Call    Configure Vhost Interfaces    half    ${DIRECTORY}/a
    Begin    Start Kernel VM    half    timeout=60
    Wait Until Created    ${DIRECTORY}/a    10 s
    State Should Be    half    starting
    ${pids}=    Find Processes    ${RUN_DIR}/
    Length Should Be    ${pids}    1
    Signal Server    SIGKILL
    Should Exist    /proc/${pids}[0]
    Start Server    ${RUN_DIR}
    ${vms}=    Call    List VMs
    Should Be Empty    ${vms}
    Wait Until Process Ends    ${pids}[0]
    Nothing Should Be Left Of VMs
    ${log}=    Get Server Log
    Should Contain    ${log}    VM 'half' of an earlier run is killed

A Hot-Plug That The Server Did Not Survive Is Taken Back
    Start Server    ${RUN_DIR}
    Call    Configure Vhost Interfaces    plug    ${DIRECTORY}/a
    Start Host Testpmd    ${DIRECTORY}/a
    Call    Start Kernel VM    plug    paused=True
    Begin    Configure Vhost Interfaces    plug    ${DIRECTORY}/b    ${DIRECTORY}/c
    Wait Until Created    ${DIRECTORY}/c    10 s
    Signal Server    SIGKILL
    Start Server    ${RUN_DIR}
    ${info}=    Call    Get VM Info    plug
    Should Be Equal    ${{list($info['interfaces'])}}    ${{['vhost1']}}
    Should Be Equal    ${info}[interfaces][vhost1][connected]    ${True}
    Should Not Exist    ${DIRECTORY}/b
    Should Not Exist    ${DIRECTORY}/c
    ${chardevs}=    Call    Qmp Command    plug    query-chardev
    Should Not Contain    ${{[c['label'] for c in $chardevs]}}    vhost2
    # The number and the socket are free again.
    Run Keyword And Expect Error    *no vswitch connected*vhost2 (${DIRECTORY}/b)*
    ...    Call    Configure Vhost Interfaces    plug    ${DIRECTORY}/b    timeout=1 second

A VM That Died Without A Server Is Cleaned Up
    Start Server    ${RUN_DIR}
    Call    Configure Vhost Interfaces    dead    ${DIRECTORY}/a
    Start Host Testpmd    ${DIRECTORY}/a
    ${info}=    Call    Start Kernel VM    dead    paused=True
    Signal Server    SIGKILL
    Signal Process    ${info}[pid]    SIGKILL
    Wait Until Process Ends    ${info}[pid]
    Start Server    ${RUN_DIR}
    ${vms}=    Call    List VMs
    Should Be Empty    ${vms}
    Nothing Should Be Left Of VMs
    Call    Start Kernel VM    dead    paused=True

A Second Server On The Same Run Directory Is Refused
    ${pid}=    Start Server    ${RUN_DIR}
    Call    Start Kernel VM    mine    paused=True
    ${second}=    Run Server To Its End    --run-dir    ${RUN_DIR}
    Should Not Be Equal    ${second}[rc]    ${0}
    Should Contain    ${second}[stderr]    ${RUN_DIR}
    Should Contain    ${second}[stderr]    process ${pid}
    State Should Be    mine    paused

A Server That Is Told To End Kills Its VMs
    Start Server    ${RUN_DIR}
    ${info}=    Call    Start Kernel VM    gone    paused=True
    ${status}=    Signal Server    SIGTERM
    Should Be Equal    ${status}    ${0}
    Process Should Be Gone    ${info}[pid]
    Nothing Should Be Left Of VMs

A Server That Is Told To Keep Its VMs Hands Them On
    Start Server    ${RUN_DIR}    server.on_exit=keep
    ${info}=    Call    Start Kernel VM    kept    paused=True
    ${status}=    Signal Server    SIGINT
    Should Be Equal    ${status}    ${0}
    Should Exist    /proc/${info}[pid]
    Start Server    ${RUN_DIR}
    State Should Be    kept    paused
    Call    Kill VM    kept
    Wait Until Process Ends    ${info}[pid]

A Server That Ends Cancels A Start
    Start Server    ${RUN_DIR}    server.on_exit=keep
    Call    Configure Vhost Interfaces    waits    ${DIRECTORY}/a
    ${call}=    Begin    Start Kernel VM    waits    timeout=60
    Wait Until Created    ${DIRECTORY}/a    10 s
    ${status}=    Signal Server    SIGTERM
    Should Be Equal    ${status}    ${0}
    Run Keyword And Expect Error    *VM 'waits'*    Finish    ${call}    5
    Nothing Should Be Left Of VMs
