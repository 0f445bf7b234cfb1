*** Settings ***
Documentation       A kernel VM on vhost-user forwards real packets.
...
...                 A testpmd on this machine is vswitch and traffic source on two sockets. A VM
...                 with two vCPUs boots on them, testpmd in it forwards, and packets are counted
...                 on both sides in both directions. At the end nothing is left.
Resource            ../vhostel.resource
Library             ../libraries/HostTestpmd.py
Library             OperatingSystem
Library             Collections

Suite Setup         Set Up Demo
Suite Teardown      Tear Down Demo


*** Variables ***
${VM}           demo
${PACKETS}      ${10000}


*** Test Cases ***
A Kernel VM Boots On Vhost-User Interfaces
    ${interfaces}=    Configure Vhost Interfaces    ${VM}    ${DIRECTORY}/sock-1-1
    ...    ${DIRECTORY}/sock-1-2
    Should Be Equal    ${interfaces}[vhost1][pci_address]    0000:00:06.0
    Start Host Testpmd    ${DIRECTORY}/sock-1-1    ${DIRECTORY}/sock-1-2
    ${info}=    Start Kernel VM    ${VM}    cpus=2
    Should Be Equal    ${info}[state]    running
    Should Be True    ${info}[interfaces][vhost1][connected]
    Should Be True    ${info}[interfaces][vhost2][connected]
    Log    Ready ${info}[boot_time][ready] s after the call    console=True

Testpmd Forwards In The VM
    ${testpmd}=    Run Testpmd In VM    ${VM}    forward_mode=io
    Length Should Be    ${testpmd}[ports]    2
    Host Testpmd Command    start tx_first 8
    Wait For Host Testpmd Packets    ${PACKETS}    port=0
    ${host}=    Wait For Host Testpmd Packets    ${PACKETS}    port=1
    ${guest}=    Get Testpmd Stats    ${VM}
    FOR    ${port}    IN    0    1
        Should Be True    ${host}[${port}][tx_packets] >= ${PACKETS}
        Should Be True    ${guest}[ports][${port}][rx_packets] >= ${PACKETS}
        Should Be True    ${guest}[ports][${port}][tx_packets] >= ${PACKETS}
    END
    Log    Host: ${host}    console=True
    Log    Guest: ${guest}[ports]    console=True

Every Packet Is Accounted For
    [Documentation]    Once the host stops sending, what it sent is what the guest received, and
    ...    the other way round.
    Host Testpmd Command    stop
    ${guest}=    Stop Testpmd In VM    ${VM}
    ${host}=    Get Host Testpmd Stats
    FOR    ${port}    IN    0    1
        ${received}=    Set Variable    ${guest}[ports][${port}][rx_packets]
        Should Be True    ${received} <= ${host}[${port}][tx_packets]
        Should Be True    ${host}[${port}][rx_packets] <= ${guest}[ports][${port}][tx_packets]
        Should Be True    ${host}[${port}][tx_packets] - ${received} <= 2 * 1024
    END

Nothing Of It Is Left
    ${info}=    Get VM Info    ${VM}
    ${killed}=    Qemu Kill All
    Should Contain    ${killed}    ${VM}
    File Should Not Exist    /proc/${info}[pid]/stat
    Should Not Exist    ${DIRECTORY}/sock-1-1
    Should Not Exist    ${DIRECTORY}/sock-1-2
    @{files}=    List Directory    ${info}[run_dir]
    Should Be Equal    ${files}    ${{ ['console.log'] }}
    ${vms}=    List VMs
    Should Be Empty    ${vms}


*** Keywords ***
Set Up Demo
    ${directory}=    Evaluate    tempfile.mkdtemp(prefix='vh-', dir='/tmp')    tempfile
    Set Suite Variable    ${DIRECTORY}    ${directory}
    Set Up VMs

Tear Down Demo
    Tear Down VMs
    Stop Host Testpmd
    Remove Directory    ${DIRECTORY}    recursive=True
